import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seeded } from '../../../src-main/base/random';
import type { RowDisk } from '../../../src-main/core/disk';
import { backupsOf, openRows, readBackup, recover, StorageError } from '../../../src-main/storage';
import { migrations } from '../../../src-main/storage/schema';

let folder = '';
let file = '';
const opened: RowDisk[] = [];

function open(options: Parameters<typeof openRows>[1] = {}): RowDisk {
  const rows = openRows(file, options);
  opened.push(rows);
  return rows;
}

/** A database with some rows, closed. */
function filled(count = 200): void {
  const rows = open();
  const text = (index: number): string => `row ${index} `.repeat(20);
  rows.commit(
    Array.from({ length: count }, (_, index) => ({ table: 'events', key: `e${index}`, value: { text: text(index) } })),
  );
  rows.close();
}

function reasonOf(act: () => unknown): string {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof StorageError) return thrown.reason;
    throw thrown;
  }
  return 'opened';
}

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'pilothouse-rows-')), 'home');
  file = join(folder, 'pilothouse.db');
});

afterEach(() => {
  for (const rows of opened.splice(0)) rows.close();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

describe('rows', () => {
  it('are there again after closing, with every change of a commit or none', () => {
    const rows = open();
    rows.commit([
      { table: 'stacks', key: 'shop', value: { name: 'shop', emoji: '⛵', nothing: null } },
      { table: 'meta', key: '__proto__', value: [1, 2] },
    ]);
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect(() =>
      rows.commit([
        { table: 'stacks', key: 'half', value: 1 },
        { table: 'stacks', key: 'bad', value: cyclic },
      ]),
    ).toThrow();
    rows.commit([{ table: 'meta', key: 'gone', value: 1 }]);
    rows.commit([{ table: 'meta', key: 'gone' }]);
    rows.commit([]);
    rows.close();
    const again = open().load();
    expect(again).toHaveLength(2);
    expect(again).toContainEqual({ table: 'stacks', key: 'shop', value: { name: 'shop', emoji: '⛵', nothing: null } });
    expect(again).toContainEqual({ table: 'meta', key: '__proto__', value: [1, 2] });
  });

  it('belong to their owner only', () => {
    filled();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const rows = open();
    rows.commit([{ table: 'meta', key: 'a', value: 1 }]);
    for (const name of readdirSync(folder))
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    rows.close();
    chmodSync(file, 0o666);
    chmodSync(folder, 0o755);
    open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('have one writer', () => {
    const first = open();
    first.commit([{ table: 'meta', key: 'a', value: 1 }]);
    expect(reasonOf(() => open())).toBe('locked');
    first.close();
    expect(open().load()).toHaveLength(1);
  });

  it('wipe what is removed', () => {
    const rows = open();
    rows.commit([{ table: 'secrets', key: 'a', value: 'canary-7391' }]);
    rows.commit([{ table: 'secrets', key: 'a' }]);
    rows.close();
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name)).includes('canary-7391')).toBe(false);
  });
});

describe('a database that cannot be trusted', () => {
  const damages: [string, () => void, string][] = [
    ['is empty', () => writeFileSync(file, ''), 'corrupt'],
    ['is text', () => writeFileSync(file, 'hello '.repeat(100)), 'corrupt'],
    ['is cut in half', () => truncateSync(file, statSync(file).size / 2), 'corrupt'],
    ['is cut to a header', () => truncateSync(file, 100), 'corrupt'],
    ['has a damaged header', () => flip(20), 'corrupt'],
    ['has a damaged page', () => flipMany(4096 * 3, 400), 'corrupt'],
    ['is somebody else’s database', () => flip(70), 'corrupt'],
    [
      'is a link',
      () => {
        renameSync(file, join(folder, 'elsewhere'));
        symlinkSync(join(folder, 'elsewhere'), file);
      },
      'forbidden',
    ],
    [
      'is a folder',
      () => {
        rmSync(file);
        mkdirSync(file);
      },
      'forbidden',
    ],
    [
      'lies in a linked folder',
      () => {
        renameSync(folder, `${folder}-real`);
        symlinkSync(`${folder}-real`, folder);
      },
      'forbidden',
    ],
    ['is gone but its log is there', () => renameSync(file, `${file}-wal`), 'corrupt'],
  ];

  function flip(offset: number): void {
    const bytes = readFileSync(file);
    bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
  }

  function flipMany(offset: number, count: number): void {
    const bytes = readFileSync(file);
    for (let index = 0; index < count; index++) bytes[offset + index] = (bytes[offset + index] ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
  }

  it.each(damages)('%s: refused, and left as it is', (_name, damage, reason) => {
    filled();
    damage();
    const before = existsSync(file) && statSync(file).isFile() ? readFileSync(file) : undefined;
    expect(reasonOf(() => open())).toBe(reason);
    if (before) expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('never opens with rows that were not written, whatever byte flips', () => {
    filled(60);
    const whole = readFileSync(file);
    const random = seeded(11);
    let refused = 0;
    for (let turn = 0; turn < 60; turn++) {
      const bytes = Buffer.from(whole);
      const at = Math.floor(random() * bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      rmSync(`${file}-wal`, { force: true });
      for (const backup of backupsOf(file)) rmSync(backup.file);
      writeFileSync(file, bytes);
      try {
        const rows = openRows(file);
        try {
          for (const row of rows.load()) expect(String((row.value as { text: string }).text)).toMatch(/^(row \d+ )+$/);
        } finally {
          rows.close();
        }
      } catch (thrown) {
        if (!(thrown instanceof StorageError)) throw thrown;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(10);
  });

  it('from a newer version is refused, named so, and opens again with that version', () => {
    filled(3);
    const newer = [...migrations, () => {}];
    open({ migrations: newer }).close();
    expect(reasonOf(() => open())).toBe('newer');
    expect(open({ migrations: newer }).load()).toHaveLength(3);
  });
});

describe('backups', () => {
  it('are made before a change of layout, which is all or nothing', () => {
    filled(3);
    const broken = [
      ...migrations,
      (database: Parameters<(typeof migrations)[number]>[0]) => {
        database.run("DELETE FROM rows WHERE name = 'events'");
        throw new Error('half way');
      },
    ];
    expect(() => open({ migrations: broken })).toThrow();
    expect(backupsOf(file).map(({ reason }) => reason)).toContain('migration');
    expect(open().load()).toHaveLength(3);
  });

  it('are made once a day, three are kept', () => {
    filled(3);
    for (let day = 1; day <= 5; day++) {
      open({ now: () => day * 86_400_001 }).close();
      open({ now: () => day * 86_400_001 + 1000 }).close();
    }
    expect(backupsOf(file).map(({ at }) => at)).toEqual([5, 4, 3].map((day) => day * 86_400_001));
  });

  it('serve a rescue and can be put back; the damaged file is kept', () => {
    filled(3);
    open().close();
    writeFileSync(file, 'scrambled');
    expect(reasonOf(() => open())).toBe('corrupt');
    const rescue = readBackup(file);
    expect(rescue?.rows).toHaveLength(3);
    const kept = recover(file, rescue?.backup, 77);
    expect(readFileSync(kept, 'utf8')).toBe('scrambled');
    expect(open().load()).toHaveLength(3);
  });

  it('are set aside when the user wants to begin anew', () => {
    filled(3);
    open().close();
    rmSync(file);
    expect(reasonOf(() => open())).toBe('corrupt');
    recover(file, undefined, 78);
    expect(open().load()).toEqual([]);
    expect(readdirSync(folder).some((name) => name.endsWith('.old'))).toBe(true);
  });
});
