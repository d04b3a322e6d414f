/**
 * Carries declarations of the runtime over into an emitted module: the wanted functions and, transitively, every
 * function, constant and type they name. There is one source of every kernel; this copies it, comments included.
 *
 * What belongs together is decided by symbols, not by spelling, so a local variable that is called like a kernel
 * pulls nothing in. Top-level names of different files may clash in one module; all but one of them are renamed.
 */
import { basename, dirname, join, relative } from 'node:path';
import type { Identifier, Node, Project, SourceFile, Statement, Symbol as TsSymbol } from 'ts-morph';
import { uniqueIdentifier } from './identifiers.ts';
import { joinSignature } from './layout.ts';
import { loadTsMorph } from './load-ts-morph.ts';
import { generatedNames, kernelFiles, runtimeDirectory, wrapperFiles } from './runtime-sources.ts';

export interface CarriedSource {
  /** Declarations by the file they come from, as `kernels/gemm.ts`; dependencies first. */
  readonly sections: ReadonlyMap<string, string>;
  /** Name in the emitted module of each wanted declaration. */
  readonly names: ReadonlyMap<string, string>;
  /** Every name that the sections declare at their top level. */
  readonly topLevel: ReadonlySet<string>;
}

export interface CarryOptions {
  /** Functions of runtime/kernels, and wrappers of WebAssembly kernels. */
  readonly kernels: readonly string[];
  /** Other declarations, by the file of the runtime that has them. */
  readonly support: Readonly<Record<string, readonly string[]>>;
  /** Those that stay exported. */
  readonly exported: readonly string[];
  /** Top-level names that the result must not use. */
  readonly reserved: ReadonlySet<string>;
}

let project: Project | undefined;

/** The files of the runtime that were asked for so far. Only names are resolved, so no library is loaded. */
function runtimeProject(): Project {
  const { Project } = loadTsMorph();
  project ??= new Project({
    skipLoadingLibFiles: true,
    skipFileDependencyResolution: true,
    compilerOptions: { allowImportingTsExtensions: true, noEmit: true, noLib: true, types: [] },
  });
  return project;
}

/** Of what was generated only the names count: an emitted module has contents of its own for it. */
function sourceFile(path: string): SourceFile {
  const known = runtimeProject().getSourceFile(path);
  if (known !== undefined) return known;
  return path.endsWith('.generated.ts')
    ? runtimeProject().createSourceFile(path, generatedNames, { overwrite: true })
    : runtimeProject().addSourceFileAtPath(path);
}

/** Throws for a kernel that no file of the runtime exports. */
export function carrySources({ kernels, support, exported, reserved }: CarryOptions): CarriedSource {
  const directory = runtimeDirectory();
  const files = new Map([...kernelFiles(), ...wrapperFiles()]);
  const roots = [
    ...Object.entries(support).flatMap(([file, names]) => names.map((name) => ({ name, path: join(directory, file) }))),
    ...kernels.map((name) => ({ name, path: files.get(name) ?? '' })),
  ];
  const missing = roots.find(({ path }) => path === '');
  if (missing !== undefined) throw new Error(`no file of the runtime exports ${missing.name}`);
  const order = addWithImports(
    sourceFile,
    roots.map(({ path }) => path),
  );
  const carried = new Set<Statement>();
  const queue: Statement[] = [];
  const take = (statement: Statement): void => {
    if (carried.has(statement)) return;
    carried.add(statement);
    queue.push(statement);
  };
  for (const { name, path } of roots) {
    const file = order.find((candidate) => candidate.getFilePath() === path);
    const statements = file === undefined ? [] : statementsNamed(file, name);
    if (file === undefined || statements.length === 0) throw new Error(`${path} has no ${name} to carry over`);
    for (const statement of statements) take(statement);
  }
  /** Identifiers that name a carried declaration, by the symbol they name. */
  const uses = new Map<TsSymbol, Identifier[]>();
  for (let statement = queue.pop(); statement !== undefined; statement = queue.pop()) {
    for (const identifier of identifiersIn(statement)) {
      const symbol = topLevelSymbol(identifier);
      if (symbol === undefined) continue;
      const known = uses.get(symbol);
      if (known === undefined) uses.set(symbol, [identifier]);
      else known.push(identifier);
      for (const declaration of symbol.getDeclarations()) {
        const owner = topLevelStatement(declaration);
        if (owner !== undefined) take(owner);
      }
    }
  }
  const renamed = chooseNames(uses, order, new Set(roots.map(({ name }) => name)), reserved);
  const sections = new Map<string, string>();
  for (const file of order) {
    const statements = file.getStatements().filter((statement) => carried.has(statement));
    const path = relative(directory, file.getFilePath()).replaceAll('\\', '/');
    const texts = statements.map((statement) => printStatement(statement, uses, renamed, exported));
    if (texts.length > 0) sections.set(path, [`// From runtime/${path}.`, ...kernelNotes(file), ...texts].join('\n\n'));
  }
  const names = new Map<string, string>();
  for (const { name, path } of roots)
    for (const symbol of uses.keys())
      if (symbol.getName() === name && fileOf(symbol).getFilePath() === path)
        names.set(name, renamed.get(symbol) ?? name);
  const topLevel = new Set([...uses.keys()].map((symbol) => renamed.get(symbol) ?? symbol.getName()));
  return { sections, names, topLevel };
}

/** The comment at the head of a file of kernels, or of what calls those in WebAssembly: how data lie, which method it is. */
function kernelNotes(file: SourceFile): readonly string[] {
  const path = file.getFilePath();
  if (basename(dirname(path)) !== 'kernels' && !basename(path).startsWith('wasm-')) return [];
  const comment = /^\/\*\*[\s\S]*?\*\//.exec(file.getFullText())?.[0];
  return comment === undefined ? [] : [comment];
}

/** The files and all they import, each after its imports. */
function addWithImports(add: (path: string) => SourceFile, paths: readonly string[]): readonly SourceFile[] {
  const done = new Set<string>();
  const order: SourceFile[] = [];
  const visit = (path: string): void => {
    if (done.has(path)) return;
    done.add(path);
    const file = add(path);
    for (const declaration of file.getImportDeclarations())
      visit(join(dirname(path), declaration.getModuleSpecifierValue()));
    order.push(file);
  };
  for (const path of paths) visit(path);
  return order;
}

function statementsNamed(file: SourceFile, name: string): readonly Statement[] {
  const statements: Statement[] = [];
  for (const declaration of file.getLocal(name)?.getDeclarations() ?? []) {
    const statement = topLevelStatement(declaration);
    if (statement !== undefined) statements.push(statement);
  }
  return statements;
}

/** The statement of its file that holds `node`, unless that is an import. */
function topLevelStatement(node: Node): Statement | undefined {
  const { Node: is } = loadTsMorph();
  let current: Node | undefined = node;
  while (current !== undefined && !is.isSourceFile(current.getParent())) current = current.getParent();
  return is.isStatement(current) && !is.isImportDeclaration(current) ? current : undefined;
}

/** Identifiers that may name something: not those after a dot, nor keys of literals and signatures. */
function identifiersIn(statement: Statement): readonly Identifier[] {
  const { Node: is } = loadTsMorph();
  const found: Identifier[] = [];
  statement.forEachDescendant((node) => {
    if (!is.isIdentifier(node)) return;
    const parent = node.getParent();
    if (is.isPropertyAccessExpression(parent) && parent.getNameNode() === node) return;
    if ((is.isPropertyAssignment(parent) || is.isPropertySignature(parent)) && parent.getNameNode() === node) return;
    found.push(node);
  });
  return found;
}

/** What the identifier names, where that is declared at the top level of a file of the runtime. */
function topLevelSymbol(identifier: Identifier): TsSymbol | undefined {
  const { Node: is } = loadTsMorph();
  const parent = identifier.getParent();
  const symbol = is.isShorthandPropertyAssignment(parent) ? parent.getValueSymbol() : identifier.getSymbol();
  const named = symbol?.getAliasedSymbol() ?? symbol;
  const declaration = named?.getDeclarations()[0];
  if (declaration === undefined) return undefined;
  const owner = topLevelStatement(declaration);
  if (owner === undefined) return undefined;
  if (declaration === owner) return named;
  return is.isVariableDeclaration(declaration) && declaration.getVariableStatement() === owner ? named : undefined;
}

function fileOf(symbol: TsSymbol): SourceFile {
  return symbol.getDeclarations()[0]!.getSourceFile();
}

/** New names of symbols that cannot keep theirs. Wanted ones come first, then in order of files. */
function chooseNames(
  uses: ReadonlyMap<TsSymbol, readonly Identifier[]>,
  order: readonly SourceFile[],
  wanted: ReadonlySet<string>,
  reserved: ReadonlySet<string>,
): ReadonlyMap<TsSymbol, string> {
  const symbols = [...uses.keys()]
    .map((symbol) => ({
      symbol,
      priority: wanted.has(symbol.getName()) ? 0 : 1,
      file: order.indexOf(fileOf(symbol)),
      position: symbol.getDeclarations()[0]!.getPos(),
    }))
    .sort((a, b) => a.priority - b.priority || a.file - b.file || a.position - b.position);
  const taken = new Set(reserved);
  const renamed = new Map<TsSymbol, string>();
  const late: TsSymbol[] = [];
  for (const { symbol } of symbols)
    if (taken.has(symbol.getName())) late.push(symbol);
    else taken.add(symbol.getName());
  if (late.length === 0) return renamed;
  // A new name must not be caught by a local variable either.
  for (const file of order) for (const match of file.getFullText().matchAll(/\w+/g)) taken.add(match[0]);
  for (const symbol of late) {
    const name = symbol.getName();
    const file = basename(fileOf(symbol).getBaseName(), '.ts');
    const stem = file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    renamed.set(symbol, uniqueIdentifier(`${stem}${name[0]!.toUpperCase()}${name.slice(1)}`, taken));
  }
  return renamed;
}

/** The statement with the comment that stands on it, without `export`, with names replaced. */
function printStatement(
  statement: Statement,
  uses: ReadonlyMap<TsSymbol, readonly Identifier[]>,
  renamed: ReadonlyMap<TsSymbol, string>,
  exported: readonly string[],
): string {
  const { Node: is } = loadTsMorph();
  const start = statement.getStart();
  const comment = statement.getLeadingCommentRanges().at(-1);
  const text = statement.getSourceFile().getFullText();
  const attached = comment !== undefined && !/\n\s*\n/.test(text.slice(comment.getEnd(), start));
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  for (const [symbol, name] of renamed)
    for (const identifier of uses.get(symbol) ?? [])
      if (identifier.getStart() >= start && identifier.getEnd() <= statement.getEnd())
        if (identifier.getSourceFile() === statement.getSourceFile())
          edits.push({
            start: identifier.getStart(),
            end: identifier.getEnd(),
            text: is.isShorthandPropertyAssignment(identifier.getParent()) ? `${identifier.getText()}: ${name}` : name,
          });
  if (is.isExportable(statement)) {
    const keyword = statement.getExportKeyword();
    const name = is.isNameable(statement) || is.isNamed(statement) ? statement.getName() : undefined;
    if (keyword !== undefined && !(name !== undefined && exported.includes(name)))
      edits.push({ start: keyword.getStart(), end: keyword.getEnd() + 1, text: '' });
  }
  edits.sort((a, b) => a.start - b.start);
  let body = '';
  let at = start;
  for (const edit of edits) {
    body += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  body = joinSignature(body + text.slice(at, statement.getEnd()));
  return attached ? `${comment.getText()}\n${body}` : body;
}
