/** The window is a window and nothing more: what a hostile page could try is tried here (reliability 2.1, S7 to S11, S13). */
import type { PreloadBridge } from '../../src-main/contract/bridge';
import { expect, test } from './pilothouse';

declare global {
  interface Window {
    pwn?: number;
  }
}

/** The page's own bridge, as typed by the contract. */
type Bridged = Window & { pilothouse: PreloadBridge };

test('opens, with its title and its own page', async ({ pilothouse: { app, page } }) => {
  expect(await page.title()).toContain('Pilothouse');
  expect(page.url()).toMatch(/^app:\/\/pilothouse\/index\.html/);
  expect(app.windows()).toHaveLength(1);
  const looks = await app.evaluate(({ BrowserWindow }) => {
    const window = BrowserWindow.getAllWindows()[0];
    return { visible: window?.isVisible(), title: window?.getTitle(), size: window?.getMinimumSize() };
  });
  expect(looks.visible).toBe(true);
  expect(looks.size).toEqual([940, 600]);
});

test('has nothing of Node or Electron in the page', async ({ pilothouse: { page } }) => {
  const found = await page.evaluate(() =>
    ['require', 'process', 'module', 'Buffer', 'global', '__dirname', 'electron', 'ipcRenderer', 'setImmediate'].filter(
      (name) => name in window,
    ),
  );
  expect(found).toEqual([]);
  const bridge = await page.evaluate(() => Object.keys((window as unknown as Bridged).pilothouse).sort());
  expect(bridge).toEqual([
    'connect',
    'copyText',
    'locale',
    'onNavigate',
    'openExternal',
    'pickProject',
    'platform',
    'saveBytes',
    'saveText',
    'version',
    'window',
  ]);
});

test('has the safe preferences', async ({ pilothouse: { app } }) => {
  const preferences = await app.evaluate(({ webContents }) => {
    const contents = webContents.getAllWebContents()[0] as unknown as {
      getLastWebPreferences(): Record<string, unknown> | null;
    };
    return contents.getLastWebPreferences();
  });
  expect(preferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webSecurity: true,
    webviewTag: false,
  });
});

test('runs no code from text', async ({ pilothouse: { page } }) => {
  const refused = await page.evaluate(async () => {
    const violations: string[] = [];
    document.addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));
    const tried: Record<string, boolean> = {};
    // A debugger's own evaluation is above the policy; what runs later on a timer is the page's.
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      tried['eval'] = Boolean((0, eval)('window.pwn = 1'));
    } catch {
      tried['eval'] = false;
    }
    try {
      tried['Function'] = Boolean(new Function('window.pwn = 2; return true')());
    } catch {
      tried['Function'] = false;
    }
    const inline = document.createElement('script');
    inline.textContent = 'window.pwn = 3';
    document.body.append(inline);
    const image = document.createElement('div');
    image.innerHTML = '<img src="x" onerror="window.pwn = 4">';
    document.body.append(image);
    const remote = document.createElement('script');
    remote.src = 'https://example.com/x.js';
    document.body.append(remote);
    await new Promise((resolve) => setTimeout(resolve, 500));
    inline.remove();
    image.remove();
    remote.remove();
    return { tried, pwn: window.pwn, violations: new Set(violations).size };
  });
  expect(refused.tried).toEqual({ eval: false, Function: false });
  expect(refused.pwn).toBeUndefined();
  expect(refused.violations).toBeGreaterThan(0);
});

test('talks to nobody else', async ({ pilothouse: { page } }) => {
  const reached = await page.evaluate(async () => {
    const tries = [
      fetch('https://example.com/'),
      fetch('http://127.0.0.1:1/'),
      fetch('file:///etc/passwd'),
      fetch('app://pilothouse/..%2f..%2fpackage.json').then((answer) =>
        answer.ok ? answer : Promise.reject(new Error()),
      ),
      fetch('app://pilothouse/index.html', { method: 'POST' }).then((answer) =>
        answer.ok ? answer : Promise.reject(new Error()),
      ),
      fetch('app://evil/index.html'),
    ];
    return (await Promise.allSettled(tries)).map((result) => result.status);
  });
  expect(new Set(reached)).toEqual(new Set(['rejected']));
});

test('opens no window and goes nowhere', async ({ pilothouse: { app, page } }) => {
  const before = page.url();
  const opened = await page.evaluate(() => {
    const results = [
      window.open('https://example.com/') === null,
      window.open('about:blank') === null,
      window.open('app://pilothouse/index.html') === null,
    ];
    const link = document.createElement('a');
    link.href = 'https://example.com/';
    link.target = '_blank';
    document.body.append(link);
    link.click();
    link.target = '';
    link.click();
    link.remove();
    location.href = 'https://example.com/';
    location.assign('file:///etc/passwd');
    const refresh = document.createElement('meta');
    refresh.httpEquiv = 'refresh';
    refresh.content = '0;url=https://example.com/';
    document.head.append(refresh);
    const form = document.createElement('form');
    form.action = 'https://example.com/';
    document.body.append(form);
    form.submit();
    return results;
  });
  expect(opened).toEqual([true, true, true]);
  await page.waitForTimeout(1000);
  expect(app.windows()).toHaveLength(1);
  expect(page.url().split('#')[0]).toBe(before.split('#')[0]);
  expect(await page.evaluate(() => document.querySelector('#app > *') !== null)).toBe(true);
});

test('gives no frame inside the page a way out', async ({ pilothouse: { page } }) => {
  const found = await page.evaluate(async () => {
    const results: Record<string, unknown> = {};
    for (const [name, source] of Object.entries({
      blank: 'about:blank',
      own: 'app://pilothouse/index.html',
      web: 'https://example.com',
    })) {
      const frame = document.createElement('iframe');
      frame.src = source;
      document.body.append(frame);
      await new Promise((resolve) => setTimeout(resolve, 300));
      let bridge: unknown = 'unreachable';
      try {
        bridge = typeof (frame.contentWindow as unknown as { pilothouse?: unknown }).pilothouse;
      } catch {
        // Another origin: out of reach, as it should be.
      }
      results[name] = bridge;
      frame.remove();
    }
    return results;
  });
  for (const bridge of Object.values(found)) expect(['undefined', 'unreachable']).toContain(bridge);
});

test('is granted nothing', async ({ pilothouse: { page } }) => {
  const granted = await page.evaluate(async () => {
    const results: Record<string, string> = {};
    results['notifications'] = await Notification.requestPermission();
    results['geolocation'] = await new Promise((resolve) =>
      navigator.geolocation.getCurrentPosition(
        () => resolve('granted'),
        () => resolve('denied'),
        { timeout: 3000 },
      ),
    );
    results['camera'] = await navigator.mediaDevices.getUserMedia({ video: true }).then(
      () => 'granted',
      () => 'denied',
    );
    results['clipboard'] = await navigator.clipboard.readText().then(
      () => 'granted',
      () => 'denied',
    );
    return results;
  });
  expect(new Set(Object.values(granted))).toEqual(new Set(['denied']));
});

test('opens links only when they are plain, and only after asking', async ({ pilothouse: { app, page } }) => {
  await app.evaluate(({ dialog, shell }) => {
    const seen = { asked: [] as string[], opened: [] as string[] };
    (globalThis as unknown as { seen: typeof seen }).seen = seen;
    dialog.showMessageBox = ((_window: unknown, options: { detail?: string }) => {
      seen.asked.push(options.detail ?? '');
      return Promise.resolve({ response: seen.asked.length === 1 ? 1 : 0, checkboxChecked: false });
    }) as unknown as typeof dialog.showMessageBox;
    shell.openExternal = (url: string) => {
      seen.opened.push(url);
      return Promise.resolve();
    };
  });
  await page.evaluate(() => {
    const { openExternal } = (window as unknown as Bridged).pilothouse;
    for (const url of [
      'file:///usr/bin/xcalc',
      'javascript:alert(1)',
      'https://a@b',
      ' https://x',
      'ms-msdt:x',
      'x'.repeat(5000),
    ])
      openExternal(url);
    openExternal('https://first.example/refused');
    openExternal('https://second.example/taken');
  });
  await page.waitForTimeout(500);
  const seen = await app.evaluate(
    () => (globalThis as unknown as { seen: { asked: string[]; opened: string[] } }).seen,
  );
  expect(seen.asked).toHaveLength(2);
  expect(seen.asked[0]).toContain('first.example');
  expect(seen.opened).toEqual(['https://second.example/taken']);
});

test('survives a flood of nonsense on its port', async ({ pilothouse: { page, cli } }) => {
  const answers = await page.evaluate(async () => {
    const bridge = (window as unknown as Bridged).pilothouse;
    const port = await new Promise<MessagePort>((resolve) => {
      const listen = (event: MessageEvent): void => {
        if ((event.data as { pilothouse?: string })?.pilothouse !== 'port' || !event.ports[0]) return;
        window.removeEventListener('message', listen);
        event.stopImmediatePropagation();
        resolve(event.ports[0]);
      };
      window.addEventListener('message', listen, { capture: true });
      bridge.connect();
    });
    const seen = { ok: 0, fail: 0, codes: new Set<string>() };
    port.onmessage = (event: MessageEvent<{ t: string; problem?: { code: string } }>) => {
      if (event.data.t === 'ok') seen.ok += 1;
      if (event.data.t === 'fail') seen.fail += 1;
      if (event.data.problem) seen.codes.add(event.data.problem.code);
    };
    const cyclic: Record<string, unknown> = { t: 'call', id: 1 };
    cyclic['input'] = cyclic;
    const nonsense: unknown[] = [
      null,
      42,
      'x',
      [],
      {},
      cyclic,
      { t: 'call' },
      { t: 'call', id: -1, name: 'app.status', input: {} },
      { t: 'call', id: 2, name: '__proto__', input: {} },
      { t: 'call', id: 3, name: 'constructor', input: {} },
      { t: 'call', id: 4, name: 'toString', input: {} },
      { t: 'call', id: 5, name: 'services.scale', input: { service: '../x', replicas: 1e9 } },
      { t: 'call', id: 6, name: 'app.status', input: { extra: true } },
      { t: 'open', id: 7, name: '__proto__', input: {}, credit: 1 },
      {
        t: 'call',
        id: 8,
        name: 'stacks.check',
        input: { source: { files: [{ name: 'a', text: 'x'.repeat(50_000_000) }] } },
      },
      new Map([[1, 2]]),
    ];
    for (const message of nonsense) port.postMessage(message);
    for (let index = 100; index < 12_000; index++)
      port.postMessage({ t: 'call', id: index, name: 'no.such.call', input: {} });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    port.close();
    // The page's own connection was replaced by ours: bring the page back.
    location.reload();
    return { ok: seen.ok, fail: seen.fail, codes: [...seen.codes].sort() };
  });
  expect(answers.ok).toBe(0);
  expect(answers.fail).toBeGreaterThan(1000);
  expect(answers.codes).toEqual(expect.arrayContaining(['bad-input', 'not-found', 'too-large', 'too-many']));
  expect((await cli('status', '--json')).code).toBe(0);
  await page.waitForSelector('#app > *');
});

test('hides in the tray when closed, and comes back at a second start', async ({ pilothouse: { app, page } }) => {
  const hidden = await app.evaluate(async ({ BrowserWindow }) => {
    const window = BrowserWindow.getAllWindows()[0];
    window?.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { exists: window?.isDestroyed() === false, visible: window?.isDestroyed() === false && window.isVisible() };
  });
  expect(hidden).toEqual({ exists: true, visible: false });
  await app.evaluate(({ app: electron }) =>
    electron.emit('second-instance', {}, ['pilothouse', 'pilothouse://logs'], '', null),
  );
  await expect
    .poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible()))
    .toBe(true);
  await expect.poll(() => page.url()).toContain('#/logs');
});
