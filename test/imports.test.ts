/**
 * The architecture as a test: imports point one way and in no circle, files stay small, and say what they are for. What
 * a linter can hold (default exports, `any`, enums) is the linter's.
 */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Project, type SourceFile, SyntaxKind } from 'ts-morph';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const project = new Project({ skipAddingFilesFromTsConfig: true, skipFileDependencyResolution: true });
project.addSourceFilesAtPaths(['src', 'passes', 'runtime', 'examples'].map((folder) => join(root, folder, '**/*.ts')));

const pathOf = (file: SourceFile): string => relative(root, file.getFilePath());
/** The wasm kernels are AssemblyScript: another language with the same file names. */
const files = project.getSourceFiles().filter((file) => !pathOf(file).startsWith('runtime/wasm/'));
const product = files.filter((file) => !pathOf(file).startsWith('examples/'));

/** From the top down. A file imports from its own layer and from those below. */
const layers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['index and cli', /^src\/(index\.ts|cli\/)/],
  ['training', /^src\/training\//],
  ['compile, codegen and inspect', /^src\/([^/]+\.ts|codegen\/|inspect\/)/],
  ['passes', /^passes\//],
  ['frontend, analysis, ops and files', /^src\/(frontend|analysis|ops|files)\//],
  ['ir', /^src\/ir\//],
  ['runtime', /^runtime\//],
];

const layerOf = (path: string): number => layers.findIndex(([, pattern]) => pattern.test(path));

interface Import {
  /** Path from the root; a package by its name. */
  readonly target: string;
  readonly isLocal: boolean;
  readonly isType: boolean;
}

/** What a file imports or re-exports, types too, statically or by `import()`. */
function importsOf(file: SourceFile): readonly Import[] {
  const at = (specifier: string, isType: boolean): Import => {
    const isLocal = specifier.startsWith('.');
    return { target: isLocal ? join(pathOf(file), '..', specifier) : specifier, isLocal, isType };
  };
  return [
    ...file.getImportDeclarations().map((declaration) => {
      const named = declaration.getNamedImports();
      const types = named.length > 0 && named.every((name) => name.isTypeOnly());
      return at(declaration.getModuleSpecifierValue(), declaration.isTypeOnly() || types);
    }),
    ...file.getExportDeclarations().flatMap((declaration) => {
      const specifier = declaration.getModuleSpecifierValue();
      return specifier === undefined ? [] : [at(specifier, declaration.isTypeOnly())];
    }),
    ...file.getDescendantsOfKind(SyntaxKind.ImportKeyword).flatMap((keyword) => {
      const argument = keyword.getParentIfKind(SyntaxKind.CallExpression)?.getArguments()[0];
      const literal = argument?.asKind(SyntaxKind.StringLiteral);
      return literal === undefined ? [] : [at(literal.getLiteralValue(), true)];
    }),
  ];
}

const imports = new Map(files.map((file) => [pathOf(file), importsOf(file)]));

describe('imports', () => {
  it('there are files to look at, each in a layer', () => {
    expect(product.length).toBeGreaterThan(100);
    expect(product.map(pathOf).filter((path) => layerOf(path) < 0)).toEqual([]);
  });

  it(`point one way: ${layers.map(([name]) => name).join(' -> ')}`, () => {
    const upward = product.flatMap((file) =>
      imports
        .get(pathOf(file))!
        .filter(({ target, isLocal }) => isLocal && layerOf(target) < layerOf(pathOf(file)))
        .map(({ target }) => `${pathOf(file)} imports ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it('the runtime imports nothing but itself', () => {
    const outside = product
      .filter((file) => pathOf(file).startsWith('runtime/'))
      .flatMap((file) => imports.get(pathOf(file))!.map(({ target }) => `${pathOf(file)} imports ${target}`))
      .filter((line) => !/ imports (runtime\/|node:)/.test(line));
    expect(outside).toEqual([]);
  });

  it('make no circle, but among ops: a gradient names ops by their definitions, and theirs may name its op', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const path: string[] = [];
    const visit = (file: string): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      path.push(file);
      for (const { target, isLocal, isType } of imports.get(file) ?? []) if (isLocal && !isType) visit(target);
      path.pop();
      done.add(file);
    };
    for (const file of imports.keys()) visit(file);
    expect(circles.filter((circle) => circle.split(' -> ').some((file) => !file.startsWith('src/ops/')))).toEqual([]);
  });

  it('say the extension, and name only packages that are dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const known = (target: string): boolean =>
      target.startsWith('node:') ||
      Object.keys(dependencies).some((name) => target === name || target.startsWith(`${name}/`));
    const faults = product.flatMap((file) =>
      imports
        .get(pathOf(file))!
        .filter(({ target, isLocal }) => (isLocal ? !/\.(ts|json)$/.test(target) : !known(target)))
        .map(({ target }) => `${pathOf(file)} imports ${target}`),
    );
    expect(faults).toEqual([]);
  });
});

/** The comment a file opens with. */
function headerOf(file: SourceFile): string {
  return /^(?:#!.*\n)?(\/\*\*[\s\S]*?\*\/)/.exec(file.getFullText())?.[1] ?? '';
}

describe('files', () => {
  it('open with a comment that says what they are for', () => {
    expect(files.filter((file) => headerOf(file).length < 20).map(pathOf)).toEqual([]);
  });

  it('of more than 400 lines say why in that comment', () => {
    const long = product
      .filter((file) => file.getFullText().split('\n').length - 1 > 400)
      .filter((file) => !/\b(long|lines|one file|together|one place)\b/i.test(headerOf(file)));
    expect(long.map(pathOf)).toEqual([]);
  });

  it('only an index gathers the exports of others', () => {
    const barrels = product.filter((file) =>
      file.getExportDeclarations().some((declaration) => declaration.hasModuleSpecifier()),
    );
    expect(barrels.map(pathOf)).toEqual(['runtime/index.ts', 'src/index.ts']);
  });
});

describe('the package', () => {
  it('pins every dependency to an exact version', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-\d+)?$/);
  });
});
