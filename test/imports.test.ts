/** The architecture as a test: imports point one way, files stay small, and nothing is exported as a default. */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { Project, type SourceFile, SyntaxKind } from 'ts-morph';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const project = new Project({
  skipAddingFilesFromTsConfig: true,
  compilerOptions: { allowImportingTsExtensions: true },
});
project.addSourceFilesAtPaths(
  ['src', 'passes', 'runtime', 'examples', 'test'].map((folder) => `${root}/${folder}/**/*.ts`),
);

const pathOf = (file: SourceFile): string => relative(root, file.getFilePath());
const files = project
  .getSourceFiles()
  .filter((file) => !/^(runtime\/wasm\/|test\/bench\/peers\/)/.test(pathOf(file)))
  .sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
const product = files.filter((file) => /^(src|passes|runtime)\//.test(pathOf(file)));

/** From the top down. A file imports from its own layer and from those below. */
const layers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['index and cli', /^src\/(index\.ts|cli\/)/],
  ['library', /^src\/[^/]+\.ts$|^src\/training\//],
  ['codegen and inspect', /^src\/(codegen|inspect)\//],
  ['passes', /^passes\//],
  ['frontend, analysis and ops', /^src\/(frontend|analysis|ops)\//],
  ['ir', /^src\/ir\//],
  ['runtime', /^runtime\//],
];

const layerOf = (path: string): number => layers.findIndex(([, pattern]) => pattern.test(path));

/** What a file imports or re-exports, types too, statically or by `import()`. */
function imported(file: SourceFile): readonly string[] {
  const specifiers = [
    ...file.getImportDeclarations().map((declaration) => declaration.getModuleSpecifierValue()),
    ...file.getExportDeclarations().map((declaration) => declaration.getModuleSpecifierValue() ?? ''),
    ...file
      .getDescendantsOfKind(SyntaxKind.CallExpression)
      .filter((call) => call.getExpression().getKind() === SyntaxKind.ImportKeyword)
      .map((call) => call.getArguments()[0]?.asKind(SyntaxKind.StringLiteral)?.getLiteralValue() ?? ''),
  ];
  return specifiers
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(root, resolve(root, pathOf(file), '..', specifier)));
}

describe('imports', () => {
  it('there are files to look at, each in a layer', () => {
    expect(product.length).toBeGreaterThan(100);
    expect(product.map(pathOf).filter((path) => layerOf(path) < 0)).toEqual([]);
  });

  it('point one way: cli, library, codegen and inspect, passes, frontend and analysis and ops, ir, runtime', () => {
    const upward = product.flatMap((file) =>
      imported(file)
        .filter((target) => layerOf(target) < layerOf(pathOf(file)))
        .map((target) => `${pathOf(file)} imports ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it('runtime imports nothing but itself', () => {
    const outside = product
      .filter((file) => pathOf(file).startsWith('runtime/'))
      .flatMap((file) =>
        imported(file)
          .filter((target) => !target.startsWith('runtime/'))
          .map((target) => `${pathOf(file)}: ${target}`),
      );
    expect(outside).toEqual([]);
  });

  it('say the extension', () => {
    const bare = files.flatMap((file) =>
      imported(file)
        .filter((target) => !/\.(ts|json)$/.test(target))
        .map((target) => `${pathOf(file)}: ${target}`),
    );
    expect(bare).toEqual([]);
  });
});

describe('files', () => {
  it('open with a comment that says their role', () => {
    const silent = files
      .filter((file) => !pathOf(file).startsWith('test/'))
      .filter((file) => !/^(#!.*\n)?\/\*\*/.test(file.getFullText()))
      .map(pathOf);
    expect(silent).toEqual([]);
  });

  it('of more than 400 lines say why in their header', () => {
    const long = product
      .filter((file) => file.getFullText().split('\n').length - 1 > 400)
      .filter((file) => !/^\/\*\*[^]*?\b(long|lines|one file|together)\b[^]*?\*\//i.test(headerOf(file)))
      .map(pathOf);
    expect(long).toEqual([]);
  });

  it('have no default exports', () => {
    expect(files.filter((file) => file.getDefaultExportSymbol() !== undefined).map(pathOf)).toEqual([]);
  });

  it('declare no enums, and silence no compiler', () => {
    const found = files.flatMap((file) => [
      ...file.getEnums().map(() => `${pathOf(file)}: enum`),
      ...file.getDescendantsOfKind(SyntaxKind.AnyKeyword).map(() => `${pathOf(file)}: any`),
      ...(/@ts-(ignore|nocheck|expect-error)/.test(withoutStrings(file)) ? [`${pathOf(file)}: @ts-`] : []),
    ]);
    expect(found).toEqual([]);
  });

  it('only index.ts gathers exports of others', () => {
    const barrels = product
      .filter((file) => file.getExportDeclarations().some((declaration) => declaration.isNamespaceExport()))
      .map(pathOf);
    expect(barrels).toEqual([]);
  });
});

/** The comment a file opens with. */
function headerOf(file: SourceFile): string {
  return /^(?:#!.*\n)?(\/\*\*[^]*?\*\/)/.exec(file.getFullText())?.[1] ?? '';
}

function withoutStrings(file: SourceFile): string {
  return file.getFullText().replace(/'[^'\n]*'|`[^`]*`|\/[^/\n]+\//g, '');
}

describe('the package', () => {
  it('pins every dependency to an exact version', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-\d+)?$/);
  });
});
