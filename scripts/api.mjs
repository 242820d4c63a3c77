// Writes docs/api.md: every name that `tract-ts` and `tract-ts/node` export, with its signature and its docstring.
// npm run api writes it; --check only says what is missing or out of date, which a test does.
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = `${root}docs/api.md`;

const config = ts.getParsedCommandLineOfConfigFile(
  `${root}tsconfig.json`,
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic(diagnostic) {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
    },
  },
);
const program = ts.createProgram(
  [`${root}src/index.ts`, `${root}src/node.ts`, `${root}src/compare.ts`],
  config.options,
);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });
const source = (path) => program.getSourceFile(`${root}${path}`);
const resolve = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
const exportsOf = (file) => checker.getExportsOfModule(checker.getSymbolAtLocation(file));

/** The exports of a file in the order in which it lists them, with the comments that head its parts. */
function partsOf(file) {
  const order = new Map();
  const text = file.getFullText();
  let part = 'General';
  for (const statement of file.statements) {
    const heading = /(?:^|\n)\/\/ ([^\n]+)\.\n\s*$/.exec(text.slice(statement.pos, statement.getStart(file)));
    if (heading) part = heading[1];
    const { exportClause } = statement;
    if (!ts.isExportDeclaration(statement) || !exportClause) continue;
    const names = ts.isNamespaceExport(exportClause)
      ? [exportClause.name.text]
      : exportClause.elements.map(({ name }) => name.text);
    for (const name of names) order.set(name, part);
  }
  return order;
}

const isPrivate = (member) =>
  (member.name && ts.isPrivateIdentifier(member.name)) ||
  ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private ||
  ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');

/** A declaration as a reader needs it: no bodies, no private members. */
function declarationOf(node) {
  if (ts.isVariableDeclaration(node)) {
    const type = node.type
      ? node.type.getText()
      : checker.typeToString(checker.getTypeAtLocation(node), node, ts.TypeFormatFlags.NoTruncation);
    return `const ${node.name.getText()}: ${type}`;
  }
  if (ts.isFunctionDeclaration(node)) return signatureOf(node, 'function ');
  if (ts.isClassDeclaration(node)) {
    const heritage = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`).join('');
    const members = node.members.filter((member) => !isPrivate(member)).flatMap(memberOf);
    return `class ${node.name.text}${heritage} {\n${members.join('\n')}\n}`;
  }
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
    return node.getText().replace(/^export /, '');
  return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
}

function memberOf(member) {
  if (ts.isSemicolonClassElement(member)) return [];
  // An implementation behind overloads is nobody's to call.
  const overloads = member.symbol?.declarations ?? [];
  if (member.body && overloads.length > 1 && overloads[0] !== member && ts.isMethodDeclaration(member))
    return [];
  const doc = docOf(member);
  const comment = doc ? `  /** ${doc.split('\n').join('\n   * ')} */\n` : '';
  const modifiers = ts
    .getModifiers(member)
    ?.filter(({ kind }) => kind !== ts.SyntaxKind.AsyncKeyword && kind !== ts.SyntaxKind.OverrideKeyword)
    .map((modifier) => `${modifier.getText()} `)
    .join('');
  if (ts.isConstructorDeclaration(member)) return [`${comment}  ${signatureOf(member, 'new ', 'new')}`];
  if (ts.isMethodDeclaration(member)) {
    const star = member.asteriskToken ? '*' : '';
    return [`${comment}  ${modifiers ?? ''}${star}${signatureOf(member, '')}`];
  }
  if (ts.isGetAccessor(member)) return [`${comment}  get ${signatureOf(member, '')}`];
  const type = member.type ? member.type.getText() : checker.typeToString(checker.getTypeAtLocation(member));
  return [`${comment}  ${modifiers ?? ''}${member.name.getText()}: ${type}`];
}

function signatureOf(node, prefix) {
  const name = ts.isConstructorDeclaration(node) ? '' : node.name.getText();
  const types = node.typeParameters ? `<${node.typeParameters.map((one) => one.getText()).join(', ')}>` : '';
  const parameters = node.parameters.map((one) => one.getText()).join(', ');
  const result = node.type ? `: ${node.type.getText()}` : '';
  return `${prefix}${name}${types}(${parameters})${result}`;
}

/** A docstring as text: the description, and its tags as they are written. */
function docOf(node) {
  // Of a variable the docstring is that of its statement.
  const holder = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const [doc] = holder.jsDoc?.slice(-1) ?? [];
  if (!doc) return '';
  return doc
    .getText()
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}

/** Of another file: what a namespace holds. */
const isNamespace = (symbol) => symbol.flags & ts.SymbolFlags.ValueModule;

/** Every exported symbol with the names that it has, those in namespaces included. */
const documented = new Map();
const complaints = [];

function add(symbol, name) {
  const names = documented.get(symbol) ?? [];
  documented.set(symbol, [...names, name]);
}

function collect(file, prefix = '') {
  for (const exported of exportsOf(file)) {
    const symbol = resolve(exported);
    const name = `${prefix}${exported.name}`;
    if (isNamespace(symbol)) collect(symbol.declarations[0], `${name}.`);
    else add(symbol, name);
  }
}

/** The types of this project that a declaration's signature names. */
function referencesOf(node, found = new Set()) {
  const visit = (child) => {
    if (ts.isBlock(child) || (ts.isPropertyDeclaration(child) && isPrivate(child))) return;
    if (ts.isClassElement(child) && isPrivate(child)) return;
    if (ts.isTypeReferenceNode(child) || ts.isExpressionWithTypeArguments(child)) {
      const at = ts.isTypeReferenceNode(child) ? child.typeName : child.expression;
      const symbol = checker.getSymbolAtLocation(at);
      if (symbol) found.add(resolve(symbol));
    }
    // What a variable begins with is no part of its type, but for functions.
    if (ts.isVariableDeclaration(child) && child.initializer && child.type) return visit(child.type);
    ts.forEachChild(child, visit);
  };
  if (ts.isVariableDeclaration(node) && node.initializer && ts.isArrowFunction(node.initializer)) {
    for (const parameter of node.initializer.parameters) visit(parameter);
    if (node.initializer.type) visit(node.initializer.type);
    if (node.type) visit(node.type);
  } else visit(node);
  return found;
}

const own = (symbol) =>
  symbol.declarations?.some((one) => {
    const { fileName } = one.getSourceFile();
    return fileName.startsWith(`${root}src/`) && !ts.isTypeParameterDeclaration(one);
  });

function entry(symbol, name, level) {
  const declarations = symbol.declarations.filter((one) => !ts.isSourceFile(one));
  const [first] = declarations;
  const doc = docOf(first);
  if (!doc) complaints.push(`${name} (${relative(root, first.getSourceFile().fileName)}) has no docstring`);
  for (const declaration of declarations) {
    for (const reference of referencesOf(declaration)) {
      if (own(reference) && !documented.has(reference))
        complaints.push(`${name} names ${reference.name}, which is not exported`);
    }
  }
  const code = declarations.map((one) => declarationOf(one)).join('\n');
  return [`${'#'.repeat(level)} \`${name}\``, '', doc, '', '```ts', code, '```', ''].join('\n');
}

function pageOf() {
  const [browser, node, comparing] = ['index', 'node', 'compare'].map((name) => source(`src/${name}.ts`));
  for (const file of [browser, node, comparing]) collect(file);
  const lines = [
    '# API',
    '',
    'Every name that the package exports. `tract-ts` runs in Node and in browsers; `tract-ts/node` has all of it, too, and',
    'what needs files and threads; `tract-ts/compare` compares methods. Written by `npm run api` from the docstrings.',
    '',
  ];
  const inBrowser = new Set(exportsOf(browser).map(({ name }) => name));
  for (const [file, title, wanted] of [
    [browser, 'tract-ts', () => true],
    [node, 'tract-ts/node', ({ name }) => !inBrowser.has(name) || name === 'shapes'],
    [comparing, 'tract-ts/compare', () => true],
  ]) {
    const parts = partsOf(file);
    const exported = new Map(
      exportsOf(file)
        .filter(wanted)
        .map((one) => [one.name, one]),
    );
    const names = [...parts.keys(), ...exported.keys()].filter((name, i, all) => all.indexOf(name) === i);
    let shown;
    const namespaces = [];
    for (const name of names) {
      const symbol = exported.get(name);
      if (!symbol) continue;
      const target = resolve(symbol);
      if (isNamespace(target)) {
        namespaces.push([name, target]);
        continue;
      }
      const part = parts.get(name) ?? 'Data';
      if (part !== shown)
        lines.push(
          `## ${title}: ${part
            .toLowerCase()
            .replace(/tract$/, 'TrAct')
            .replace('onnx', 'ONNX')}`,
          '',
        );
      shown = part;
      lines.push(entry(target, name, 3));
    }
    for (const [name, target] of namespaces) {
      const [module] = target.declarations;
      lines.push(`## ${title}: \`${name}\``, '', docOf(module.statements[0]) || '', '');
      for (const inner of exportsOf(module)) {
        const symbol = resolve(inner);
        if (isNamespace(symbol)) {
          for (const deepest of exportsOf(symbol.declarations[0]))
            lines.push(entry(resolve(deepest), `${name}.${inner.name}.${deepest.name}`, 3));
        } else if (documented.get(symbol)[0] === `${name}.${inner.name}`) {
          lines.push(entry(symbol, `${name}.${inner.name}`, 3));
        } else
          lines.push(
            `### \`${name}.${inner.name}\``,
            '',
            `The same as \`${documented.get(symbol)[0]}\`.`,
            '',
          );
      }
    }
  }
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}

const text = pageOf();
if (process.argv.includes('--check')) {
  let before = '';
  try {
    before = readFileSync(page, 'utf8');
  } catch {
    // Said below.
  }
  if (before !== text) complaints.push('docs/api.md is out of date; npm run api writes it');
} else writeFileSync(page, text);
if (complaints.length > 0) {
  console.error([...new Set(complaints)].join('\n'));
  process.exitCode = 1;
}
