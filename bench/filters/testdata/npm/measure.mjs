// What package measure does, for engines in JavaScript.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , data, passesText, scratch] = process.argv;
export const passes = Number(passesText);
export const cache = join(scratch, `${process.pid}.bin`);

export const texts = ['easylist.txt', 'easyprivacy.txt'].map(name => ({ name, raw: readFileSync(join(data, 'filter', name), 'utf8') }));

// Each string is made of its own bytes: parts of one long string would be
// slower to read.
export const requests = readFileSync(join(data, 'filter', 'requests.tsv'), 'utf8').split('\n').filter(line => line !== '').map(line => {
  const [type, page, url] = line.split('\t').map(v => Buffer.from(v).toString());
  return { type, page, url };
});

const clock = () => performance.now() * 1e6;
const used = () => { const u = process.cpuUsage(); return (u.user + u.system) * 1e3; };

export function live() {
  for (let i = 0; i < 4; i++) { globalThis.gc(); }
  const m = process.memoryUsage();
  return m.heapUsed + m.external;
}

export async function best(k, f) {
  let elapsed = Infinity, cpu = Infinity;
  for (let i = 0; i < k; i++) {
    const c = used(), t = clock();
    await f();
    elapsed = Math.min(elapsed, clock() - t);
    cpu = Math.min(cpu, used() - c);
  }
  return [elapsed, cpu];
}

const warm = 2;

function each(n, passes, ask) {
  const best = new Float64Array(n).fill(Infinity);
  for (let p = 0; p < warm; p++) {
    for (let i = 0; i < n; i++) { ask(i); }
  }
  for (let p = 0; p < passes; p++) {
    for (let i = 0; i < n; i++) {
      const t = clock();
      ask(i);
      const d = clock() - t;
      if (d < best[i]) { best[i] = d; }
    }
  }
  best.sort();
  const at = of1000 => best[Math.floor(n * of1000 / 1000)];
  return { median: at(500), mean: best.reduce((a, b) => a + b, 0) / n, p99: at(990), p999: at(999) };
}

export function asked(ask) {
  const n = requests.length;
  const times = each(n, passes, ask);
  const start = used();
  for (let p = 0; p < passes; p++) {
    for (let i = 0; i < n; i++) { ask(i); }
  }
  let verdicts = '';
  const cpu = (used() - start) / (n * passes);
  for (let i = 0; i < n; i++) { verdicts += ask(i); }
  return { ...times, cpu, verdicts, allocs: -1, bytes: -1 };
}

export function report(engine, version, sample) {
  const clockTakes = each(10000, 5, () => {}).median;
  process.stdout.write(JSON.stringify({ engine, version, clock: clockTakes, ...sample }) + '\n');
}
