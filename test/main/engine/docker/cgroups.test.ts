import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCgroup, readMounts } from '../../../../src-main/engine/docker/cgroups';
import { ContainerCounters, blockOfFirst, networkOf, valueOf } from '../../../../src-main/engine/docker/counters';

const ID = 'ab7f6b94d53e926447ec381f672961a69e6b8ec43839671a735c9a9ec28a2a96';
const FIRST = [
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio',
  '39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids',
  '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
];
const SECOND = ['41 31 0:38 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate'];

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pilothouse-cgroups-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, content: string | string[]): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : `${content.join('\n')}\n`);
}

function find(mounts: string[], groups: string[]): ReturnType<typeof findCgroup> {
  write('proc/self/mountinfo', mounts);
  write('proc/77/cgroup', groups);
  const seen = readMounts(root);
  return seen && findCgroup(seen, { container: ID, pid: 77, root });
}

describe('control groups of the first generation', () => {
  const groups = (path: string): string[] =>
    ['9:pids:', '8:memory:', '7:cpu,cpuacct:', '6:blkio:', '0::'].map((line) => line + path);

  it.each([
    ['the usual parent', `/docker/${ID}`],
    ['systemd', `/system.slice/docker-${ID}.scope`],
    ['any parent', `/a/b c/${ID}`],
    ['Kubernetes', `/kubepods/besteffort/pod1/${ID}`],
  ])('are found below %s', (_, path) => {
    const at = (controller: string): string => join(root, 'sys/fs/cgroup', controller, path);
    expect(find(FIRST, groups(path))).toEqual({
      generation: 1,
      cpu: at('cpu,cpuacct'),
      quota: at('cpu,cpuacct'),
      memory: at('memory'),
      block: at('blkio'),
      pids: at('pids'),
    });
  });

  it('are those of the whole container when its init moved below', () => {
    expect(find(FIRST, groups(`/docker/${ID}/init.scope`))?.memory).toBe(
      join(root, `sys/fs/cgroup/memory/docker/${ID}`),
    );
  });

  it('are seen through a mount of a part of the tree', () => {
    const part = FIRST.map((line) => line.replace(' / /', ' /outer/me /'));
    expect(find(part, groups(`/outer/me/docker/${ID}`))?.memory).toBe(join(root, `sys/fs/cgroup/memory/docker/${ID}`));
    expect(find(part, groups(`/outer/other/${ID}`))).toBeUndefined();
  });

  it('are not those of another process with the same number', () => {
    expect(find(FIRST, groups('/user.slice/session-1.scope'))).toBeUndefined();
    expect(find(FIRST, [])).toBeUndefined();
  });
});

describe('control groups of the second generation', () => {
  it.each([
    `/system.slice/docker-${ID}.scope`,
    `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`,
  ])('are found at %s', (path) => {
    const folder = join(root, 'sys/fs/cgroup', path);
    expect(find(SECOND, [`0::${path}`])).toMatchObject({ generation: 2, cpu: folder, memory: folder, block: folder });
  });

  it('are searched for when our own group hides the path', () => {
    write(`sys/fs/cgroup/machine.slice/libpod-${ID}.scope/cpu.stat`, 'usage_usec 1');
    expect(find(SECOND, [`0::/../../libpod-${ID}.scope`])?.cpu).toBe(
      join(root, `sys/fs/cgroup/machine.slice/libpod-${ID}.scope`),
    );
    expect(find(SECOND, ['0::/elsewhere'])?.cpu).toContain('machine.slice');
  });

  it('are none where nothing is mounted', () => {
    expect(find([], ['0::/'])).toBeUndefined();
    expect(readMounts(join(root, 'nowhere'))).toBeUndefined();
  });
});

describe('counters', () => {
  const DEV = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:    1000      10    0    0    0     0          0         0     1000      10    0    0    0     0       0          0',
    '  eth0:     486       5    0    0    0     0          0         0       90       1    0    0    0     0       0          0',
    '  eth1:14       1    0    0    0     0          0         0       10       1    0    0    0     0       0          0',
  ];

  it('of the first generation are read from its files', () => {
    const group = `docker/${ID}`;
    write(`sys/fs/cgroup/cpu,cpuacct/${group}/cpuacct.usage`, '31304519\n');
    write(`sys/fs/cgroup/cpu,cpuacct/${group}/cpu.stat`, 'nr_periods 3\nnr_throttled 1\nthrottled_time 55\n');
    write(`sys/fs/cgroup/memory/${group}/memory.usage_in_bytes`, '1000000\n');
    write(
      `sys/fs/cgroup/memory/${group}/memory.stat`,
      'inactive_file 1\nhierarchical_limit 5\ntotal_inactive_file 400000\n',
    );
    write(`sys/fs/cgroup/memory/${group}/memory.limit_in_bytes`, '67108864\n');
    write(
      `sys/fs/cgroup/blkio/${group}/blkio.throttle.io_service_bytes_recursive`,
      '8:0 Read 10\n8:0 Write 20\n9:0 Read 1\nTotal 31\n',
    );
    write(`sys/fs/cgroup/pids/${group}/pids.current`, '4\n');
    write('proc/77/net/dev', DEV);
    const folders = find(
      FIRST,
      ['1:memory,cpu,cpuacct,blkio,pids:'].map((line) => `${line}/${group}`),
    );
    expect(folders).toBeDefined();
    const counters = new ContainerCounters('c', folders!, { pid: 77, ownNetwork: true, throttled: true, root });
    const expected = {
      id: 'c',
      at: 123,
      cpuNanos: 31_304_519,
      cpuThrottledNanos: 55,
      memory: 600_000,
      memoryLimit: 67_108_864,
      networkRx: 500,
      networkTx: 100,
      blockRead: 11,
      blockWrite: 20,
      pids: 4,
    };
    expect(counters.sample(() => 123)).toEqual(expected);
    write(`sys/fs/cgroup/cpu,cpuacct/${group}/cpuacct.usage`, '31304520\n');
    expect(counters.sample(() => 124)).toEqual({ ...expected, at: 124, cpuNanos: 31_304_520 });
    counters.close();
  });

  it('of the second generation are read from its files', () => {
    const group = `sys/fs/cgroup/docker/${ID}`;
    write(`${group}/cpu.stat`, 'usage_usec 5000\nuser_usec 1\nnr_throttled 1\nthrottled_usec 7\n');
    write(`${group}/memory.current`, '1000\n');
    write(`${group}/memory.stat`, 'anon 5\ninactive_anon 9\ninactive_file 300\n');
    write(`${group}/memory.max`, 'max\n');
    write(`${group}/io.stat`, '8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n');
    write(`${group}/pids.current`, '2\n');
    const folders = find(SECOND, [`0::/docker/${ID}`]);
    const counters = new ContainerCounters('c', folders!, { pid: 77, ownNetwork: false, throttled: false, root });
    expect(counters.sample(() => 1)).toEqual({
      id: 'c',
      at: 1,
      cpuNanos: 5_000_000,
      cpuThrottledNanos: 7_000,
      memory: 700,
      networkRx: 0,
      networkTx: 0,
      blockRead: 11,
      blockWrite: 22,
      pids: 2,
    });
    counters.close();
  });

  it('say when the group is gone, and do without files that were never there', () => {
    const group = `sys/fs/cgroup/docker/${ID}`;
    write(`${group}/cpu.stat`, 'usage_usec 5\n');
    write(`${group}/memory.current`, '1\n');
    write(`${group}/memory.stat`, '');
    const folders = find(SECOND, [`0::/docker/${ID}`])!;
    const counters = new ContainerCounters('c', folders, { pid: 77, ownNetwork: true, throttled: false, root });
    expect(counters.sample(() => 1)).toMatchObject({ blockRead: 0, pids: 0, networkRx: 0 });
    counters.close();
    rmSync(join(root, group), { recursive: true });
    const gone = new ContainerCounters('c', folders, { pid: 77, ownNetwork: true, throttled: false, root });
    expect(() => gone.sample(() => 1)).toThrow(/ENOENT/);
  });

  it('parse odd texts as zero', () => {
    expect(valueOf('', 'a')).toBe(0);
    expect(valueOf('aa 5\na x\n', 'a')).toBe(0);
    expect(valueOf('b 1\na 5', 'a')).toBe(5);
    expect(networkOf('')).toEqual({ received: 0, sent: 0 });
    expect(blockOfFirst('Total 0\n')).toEqual({ read: 0, written: 0 });
  });
});
