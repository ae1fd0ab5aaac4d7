// Measures @ghostery/adblocker.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { FiltersEngine, Request } from '@ghostery/adblocker';
import { asked, best, cache, live, report, requests, texts } from './measure.mjs';

const all = texts.map(t => t.raw).join('\n');
const config = { loadCosmeticFilters: false };
let engine;
const before = live();
const [load, load_cpu] = await best(3, () => { engine = FiltersEngine.parse(all, config); });
const loaded = live() - before;
const sample = asked(i => {
  const r = requests[i];
  const m = engine.match(Request.fromRawDetails({ type: r.type, sourceUrl: r.page, url: r.url }));
  return m.match ? 1 : m.exception !== undefined ? 2 : 0;
});
const matched = live() - before;
const rules = engine.getFilters().networkFilters.length;
writeFileSync(cache, engine.serialize());
const [open] = await best(11, () => { FiltersEngine.deserialize(new Uint8Array(readFileSync(cache))); });
rmSync(cache);
report('@ghostery/adblocker', '2.18.2', { ...sample, rules, loaded, matched, load, load_cpu, open });
