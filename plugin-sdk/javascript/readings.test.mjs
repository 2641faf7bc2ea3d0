// The readings of the JavaScript SDK, each given what `readings.json` says. Run it with `node --test`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as snodo from "./snodo-connector.js";

const readings = JSON.parse(readFileSync(new URL("../readings.json", import.meta.url), "utf8"));

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Those on text have no namespace: `text` is what reads a body. */
function reading(name) {
  const [subject, own] = name.split(".");
  return (subject === "text" ? snodo : snodo[subject])[camel(own)];
}

/** As JSON has it: bytes are numbers, undefined is null. */
const plain = (value) => (value instanceof Uint8Array ? [...value] : (value ?? null));

for (const [name, cases] of Object.entries(readings)) {
  test(name, () => {
    for (const row of cases) {
      const [given, expected] = [row.slice(0, -1), row.at(-1)];
      assert.deepEqual(plain(reading(name)(...given)), expected, `${name}(${JSON.stringify(given)})`);
    }
  });
}

test("the file has every reading", () => {
  const subjects = ["binary", "contact", "locale", "money", "name", "time", "url"];
  const written = subjects.flatMap((subject) => Object.keys(snodo[subject]).map((own) => `${subject}.${own}`));
  const known = Object.keys(readings).map(camel);
  assert.deepEqual(written.toSorted(), known.filter((name) => !name.startsWith("text.")).toSorted());
});

test("what is no text cannot be read", () => {
  for (const [name, cases] of Object.entries(readings)) {
    const reads = typeof cases[0][0] === "string" && cases.some((row) => row.at(-1) === null);
    if (!reads) continue;
    for (const odd of [undefined, null, {}, true]) {
      assert.equal(reading(name)(odd, ...cases[0].slice(1, -1)), undefined, `${name}(${JSON.stringify(odd)})`);
    }
  }
});

test("the types name all that is there, and nothing else", () => {
  const types = readFileSync(new URL("./snodo-connector.d.ts", import.meta.url), "utf8");
  const named = (text, indent) =>
    [...text.matchAll(new RegExp(`^${indent}(?:export )?(?:declare )?(?:function|class|const|namespace) (\\w+)`, "gm"))].map(
      ([, name]) => name,
    );
  assert.deepEqual(named(types, "").toSorted(), Object.keys(snodo).toSorted());
  for (const [, subject, body] of types.matchAll(/^export namespace (\w+) {\n(.*?)^}/gms)) {
    assert.deepEqual(named(body, "  ").toSorted(), Object.keys(snodo[subject]).toSorted(), subject);
  }
});
