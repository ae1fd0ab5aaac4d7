// Measures @gorhill/ubo-core.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { StaticNetFilteringEngine } from '@gorhill/ubo-core';
import internals from './node_modules/@gorhill/ubo-core/js/static-net-filtering.js';
import { asked, best, cache, live, report, requests, texts } from './measure.mjs';

const snfe = await StaticNetFilteringEngine.create();
const before = live();
const [load, load_cpu] = await best(3, () => snfe.useLists(texts));
const loaded = live() - before;
const rules = internals.getFilterCount();
const sample = asked(i => {
  const r = requests[i];
  return snfe.matchRequest({ originURL: r.page, url: r.url, type: r.type });
});
const matched = live() - before;
const packed = await snfe.serialize();
writeFileSync(cache, packed);
const text = typeof packed === 'string';
const [open] = await best(11, () => snfe.deserialize(text ? readFileSync(cache, 'utf8') : new Uint8Array(readFileSync(cache))));
rmSync(cache);
report('@gorhill/ubo-core', '0.1.30', { ...sample, rules, loaded, matched, load, load_cpu, open });
