// Makes a component of a connector in JavaScript: a component that imports nothing but the contract's `log`.
//
//   node build.mjs CONNECTOR ROLES WIT OUTPUT [TOOLS]
//
// CONNECTOR  the connector's folder; its module is src/connector.js, which exports one constant per role
// ROLES      source, poll, destination, transform: those it plays, with commas between them
// WIT        the folder of the contract, plugin-sdk/wit/v1
// OUTPUT     where the component goes
// TOOLS      where `npm ci --ignore-scripts` was run on tools/package.json; without it, tools/ beside this file

import { copyFile, cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const SDK = "snodo-connector";
const ROLES = ["source", "poll", "destination", "transform"];

/** All that the engine could reach for. Without them it imports nothing from outside. */
const NOTHING_FROM_OUTSIDE = ["random", "stdio", "clocks", "http", "fetch-event"];

/** The engine is a snapshot: its clock and its dice would give the same for ever, and its timers trap. So they say so instead. */
const PURE = `
const none = (what) => () => { throw new Error("a connector has no " + what); };
globalThis.Date = class Date extends globalThis.Date {
  constructor(...given) { if (given.length === 0) none("clock: ctx.now is the time")(); super(...given); }
};
globalThis.Date.now = performance.now = none("clock: ctx.now is the time");
Math.random = crypto.getRandomValues = crypto.randomUUID = none("dice");
globalThis.setTimeout = globalThis.setInterval = none("timers");
globalThis.fetch = none("network");
`;

async function main([connector, roles, wit, output, tools = join(HERE, "tools")]) {
  if (!output) throw new Error("usage: node build.mjs CONNECTOR ROLES WIT OUTPUT [TOOLS]");
  const played = roles.split(",");
  const unknown = played.find((role) => !ROLES.includes(role));
  if (unknown !== undefined) throw new Error(`"${unknown}" is no role: ${ROLES.join(", ")}`);

  const { componentize } = await tool(tools, "@bytecodealliance/componentize-js/src/componentize.js");
  const work = await mkdtemp(join(await realpath(tmpdir()), "snodo-"));
  try {
    const witPath = join(work, "wit");
    const sources = join(work, "sources");
    await mkdir(join(witPath, "deps"), { recursive: true });
    await writeFile(join(witPath, "world.wit"), world(played));
    for (const file of (await readdir(wit)).filter((name) => name.endsWith(".wit"))) {
      await copyFile(join(wit, file), join(witPath, "deps", file));
    }
    await copySources(connector, sources, tools);
    await writeFile(join(sources, "entry.js"), entry(played));
    const { component } = await componentize({
      sourcePath: join(sources, "entry.js"),
      witPath,
      worldName: "component",
      disableFeatures: NOTHING_FROM_OUTSIDE,
    });
    await writeFile(output, component);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A world with exactly the roles of this connector: the hub reads them from the component. */
const world = (roles) => `package snodo:built;
world component {
    import snodo:connector/log@1.0.0;
${roles.map((role) => `    export snodo:connector/${role}@1.0.0;`).join("\n")}
}
`;

const entry = (roles) => `import "./pure.js";
import { log } from "snodo:connector/log@1.0.0";
import { speakThrough } from "./${SDK}.js";
speakThrough(log);
export { ${roles.join(", ")} } from "./src/connector.js";
`;

async function copySources(connector, sources, tools) {
  const lexer = await tool(tools, "es-module-lexer/dist/lexer.js");
  await lexer.init;
  await mkdir(join(sources, "src"), { recursive: true });
  await writeFile(join(sources, "pure.js"), PURE);
  await copyFile(join(HERE, `${SDK}.js`), join(sources, `${SDK}.js`));
  await cp(join(HERE, "readings"), join(sources, "readings"), { recursive: true });
  const folder = join(connector, "src");
  for (const found of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!found.isFile() || !/\.m?js$/.test(found.name)) continue;
    const path = relative(folder, join(found.parentPath, found.name)).split(sep).join("/");
    const text = await readFile(join(folder, path), "utf8");
    await mkdir(dirname(join(sources, "src", path)), { recursive: true });
    await writeFile(join(sources, "src", path), resolved(lexer, path, text));
  }
}

/** The engine knows only relative paths, so the SDK's name becomes one. */
function resolved(lexer, path, text) {
  const [imports] = lexer.parse(text, path);
  for (const { n: name, s: start, e: end, d: dynamic } of imports.reverse()) {
    if (dynamic !== -1) throw new Error(`src/${path}: a connector cannot load modules while it runs`);
    if (name === SDK) {
      const up = posix.relative(posix.dirname(posix.join("src", path)), `${SDK}.js`);
      text = text.slice(0, start) + up + text.slice(end);
    } else if (!/^\.\.?\//.test(name)) {
      throw new Error(`src/${path}: cannot import "${name}": only "${SDK}" and files of src/ are there`);
    }
  }
  return text;
}

const tool = (tools, path) => import(pathToFileURL(resolve(tools, "node_modules", path)));

main(process.argv.slice(2)).catch((error) => {
  console.error(`failed to build the component: ${error.message}`);
  process.exitCode = 1;
});
