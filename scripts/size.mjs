/** `npm run size`: lines of every source file, longest first within its folder, and their sums. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const roots = ['src', 'passes', 'runtime', 'examples', 'scripts', 'test'];
const skipped = /(^|\/)(node_modules|peers)(\/|$)|\.generated\.ts$/;

const folders = new Map();
for (const root of roots)
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.(ts|mjs)$/.test(path) || skipped.test(path)) continue;
    const lines = readFileSync(path, 'utf8').split('\n').length - 1;
    const folder = dirname(path);
    folders.set(folder, [...(folders.get(folder) ?? []), { path, lines }]);
  }

const print = (lines, text) => process.stdout.write(`${String(lines).padStart(7)}  ${text}\n`);
const sum = (files) => files.reduce((total, { lines }) => total + lines, 0);
const all = [...folders].sort(([a], [b]) => (a < b ? -1 : 1));
for (const [folder, files] of all) {
  for (const { path, lines } of files.sort((a, b) => b.lines - a.lines || (a.path < b.path ? -1 : 1)))
    print(lines, path);
  print(sum(files), `${folder}/, ${files.length} files\n`);
}
for (const root of roots) {
  const files = all.flatMap(([folder, own]) => (folder === root || folder.startsWith(`${root}/`) ? own : []));
  print(sum(files), `${root} in all, ${files.length} files`);
}
