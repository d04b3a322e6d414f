/** Programs in test/bench/peers, which need packages of their own. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const howToInstall = '(npm install in test/bench/peers)';

export function peerFile(name: string): string {
  return fileURLToPath(new URL(`peers/${name}`, import.meta.url));
}

/**
 * Runs a TypeScript program of the peers as this process is run, its errors shown. Returns what it printed, which is
 * nothing where it has our standard output. Undefined where the packages are not installed.
 */
export function runPeerProgram(name: string, args: readonly string[], stdout: 'pipe' | 'inherit'): string | undefined {
  if (!existsSync(peerFile('node_modules'))) return undefined;
  const { stdout: printed } = spawnSync(process.execPath, [...process.execArgv, peerFile(name), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', stdout, 'inherit'],
  });
  return printed ?? '';
}
