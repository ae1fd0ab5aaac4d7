// A page without a browser: reads a list of {stub, src, again, before, after,
// bare, csp, nonce, refuse} as JSON from standard input and, for each, runs the
// page's own script, the stand-in and what the page does next, lets timers and
// promises run out, and prints the list of what happened. A loader that the
// stand-in itself asks for is answered by it, too.
'use strict';
const vm = require('vm');
const { webcrypto } = require('crypto');

async function visit(input) {
  const out = { errors: [], reports: [], more: [], loads: [], calls: [], sync: [], left: 0 };
  const timers = [];
  let pending = 0; // digests under way
  let running = false; // a script of the page is running: a callback now is not asynchronous

  const digest = (name, data) => {
    pending++;
    // The context has a Uint8Array of its own, which the real digest refuses.
    return webcrypto.subtle.digest(name, Buffer.from(data)).finally(() => pending--);
  };

  const root = {
    append(e) {
      if (input.csp) throw new TypeError('refused to load the script');
      out.left++;
      if (e.nonce !== (input.nonce || '')) out.errors.push('a script has the nonce ' + e.nonce);
      if (!e.src.includes('/report/')) {
        out.loads.push(e.src);
        timers.push(() => {
          document.currentScript = { src: e.src, nonce: e.nonce };
          run(input.stub.replace('/report/token/', '/report/more/'), 'loaded');
          document.currentScript = null;
          e.onload();
        });
        return;
      }
      (e.src.includes('/report/more/') ? out.more : out.reports).push(e.src);
      timers.push(() => input.refuse ? e.onerror() : e.onload());
    },
  };
  root.appendChild = root.append;

  const document = {
    currentScript: input.bare ? null : { src: input.src, nonce: input.nonce },
    querySelector: (s) => s === '[nonce]' && input.nonce ? { nonce: input.nonce } : null,
    title: 'Thanks',
    referrer: 'https://search.example/',
    documentElement: root,
    head: root,
    createElement: () => ({ nonce: '', remove() { this.nonce; out.left--; } }),
  };
  Object.defineProperty(document, 'cookie', { get() { out.errors.push('read cookie'); return ''; } });

  const page = {
    document,
    location: { href: 'https://shop.example/thanks?a=b', hostname: 'shop.example', pathname: '/thanks', search: '?a=b' },
    // The page notes what it sees, and that it was called back.
    note(name, value) { out.calls.push(value === undefined ? name : name + '=' + value); },
    back(name, value) {
      page.note(name, value);
      if (running) out.sync.push(name);
    },
    setTimeout(f, ms, ...args) { timers.push(() => f(...args)); return timers.length; },
  };
  if (!input.bare) {
    Object.assign(page, {
      screen: { width: 1920, height: 1080, colorDepth: 24 },
      navigator: { language: 'en-GB' },
      crypto: { subtle: { digest } },
      TextEncoder,
      URL,
    });
  }
  page.window = page;
  for (const secret of ['localStorage', 'sessionStorage', 'indexedDB', 'fetch', 'XMLHttpRequest', 'Image']) {
    Object.defineProperty(page, secret, { get() { out.errors.push('used ' + secret); } });
  }
  vm.createContext(page);

  function run(code, what) {
    running = true;
    try {
      vm.runInContext(code, page, { filename: what });
    } catch (e) {
      out.errors.push(what + ': ' + (e && e.message));
    }
    running = false;
  }

  async function settle() {
    for (let quiet = 0; quiet < 3;) {
      await new Promise(setImmediate);
      if (timers.length || pending) quiet = 0; else quiet++;
      for (const f of timers.splice(0)) {
        try { f(); } catch (e) { out.errors.push('timer: ' + e.message); }
      }
    }
  }

  run(input.before || '', 'before');
  run(input.stub, 'stub');
  if (input.again) {
    document.currentScript = { src: input.again, nonce: input.nonce };
    run(input.stub, 'again');
  }
  document.currentScript = null;
  await settle();
  run(input.after || '', 'after');
  await settle();
  return out;
}

(async () => {
  const all = [];
  for (const input of JSON.parse(require('fs').readFileSync(0, 'utf8'))) all.push(await visit(input));
  process.stdout.write(JSON.stringify(all));
})();
