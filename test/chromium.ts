/** Pages in Chromium, for tests of what browsers do otherwise: where there is one. */
import { execFileSync } from 'node:child_process';

export interface Page {
  goto(url: string): Promise<unknown>;
  /** Runs an expression in the page; a promise is waited for. */
  evaluate(code: string): Promise<unknown>;
}

export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

/** How to start it; undefined, with a printed reason, where it cannot be had. */
export async function findBrowser(): Promise<(() => Promise<Browser>) | undefined> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    console.info('skipped what runs in a browser: there is no chromium');
    return undefined;
  }
  const { chromium } = await import('playwright-core');
  return () => chromium.launch({ executablePath, args: flags });
}
