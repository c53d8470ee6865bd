/** Docker settings that few files use: see `HostExtras`. Absent values stay absent, so that hashes of ordinary services stay small. */
import type { HostExtras } from '../../contract/spec';
import type { Cursor } from './cursor';
import { choice } from './serviceDeploy';

type Device = NonNullable<HostExtras['deviceRequests']>[number];

/** The rare settings of a service, or undefined when there are none. */
export function readExtras(service: Cursor, macAddress: string | undefined): HostExtras | undefined {
  const swap = service.get('memswap_limit').text();
  const extras: HostExtras = {
    containerName: service.get('container_name').text(),
    macAddress: service.get('mac_address').text() ?? macAddress,
    cpuShares: service.get('cpu_shares').integer(),
    cpuQuota: microseconds(service.get('cpu_quota')),
    cpuPeriod: microseconds(service.get('cpu_period')),
    cpuset: service.get('cpuset').text(),
    memorySwap: swap === '-1' ? -1 : service.get('memswap_limit').bytes(),
    memorySwappiness: service.get('mem_swappiness').integer(),
    oomKillDisable: service.get('oom_kill_disable').boolean() || undefined,
    usernsMode: service.get('userns_mode').text(),
    cgroup: choice(service.get('cgroup'), ['host', 'private'] as const),
    deviceCgroupRules: some(service.get('device_cgroup_rules').texts()),
    deviceRequests: some(readDeviceRequests(service)),
    storageOpt: someRecord(service.get('storage_opt').record()),
    annotations: someRecord(service.get('annotations').record()),
    blkio: readBlkio(service.get('blkio_config')),
  };
  const given = Object.entries(extras).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as HostExtras);
}

/** Microseconds, as a number or as a duration (`50ms`). */
function microseconds(cursor: Cursor): number | undefined {
  const text = cursor.text();
  if (text === undefined || /^\d+$/.test(text)) return cursor.integer();
  const duration = cursor.duration();
  return duration === undefined ? undefined : Math.round(duration * 1000);
}

function readDeviceRequests(service: Cursor): Device[] {
  const gpus = service.get('gpus');
  const reserved = service.get('deploy').get('resources').get('reservations').get('devices');
  const requests: Device[] = gpus.text() === 'all' ? [{ count: -1, capabilities: ['gpu'] }] : [];
  for (const item of [...gpus.items(), ...reserved.items()]) {
    const count = item.get('count').text() === 'all' ? -1 : item.get('count').integer();
    const ids = item.get('device_ids').texts();
    if (count !== undefined && ids.length > 0)
      item.report.problem('compose.deviceCountAndIds', {}, item.get('count').spot);
    const capabilities = item.get('capabilities').texts();
    if (item.path.includes('gpus') && !capabilities.includes('gpu')) capabilities.push('gpu');
    const driver = item.get('driver').text();
    requests.push({
      capabilities,
      ...(ids.length > 0 ? { deviceIds: ids } : { count: count ?? -1 }),
      ...(driver === undefined ? {} : { driver }),
      ...optional('options', someRecord(item.get('options').record())),
    });
  }
  return requests;
}

function readBlkio(blkio: Cursor): HostExtras['blkio'] {
  if (!blkio.given) return undefined;
  const weight = blkio.get('weight').integer();
  const rates = (key: string): { path: string; rate: number }[] =>
    blkio
      .get(key)
      .items()
      .map((item) => ({ path: item.get('path').text() ?? '', rate: item.get('rate').bytes() ?? 0 }));
  return {
    ...(weight === undefined ? {} : { weight }),
    ...optional(
      'weightDevice',
      some(
        blkio
          .get('weight_device')
          .items()
          .map((item) => ({ path: item.get('path').text() ?? '', weight: item.get('weight').integer() ?? 0 })),
      ),
    ),
    ...optional('deviceReadBps', some(rates('device_read_bps'))),
    ...optional('deviceReadIops', some(rates('device_read_iops'))),
    ...optional('deviceWriteBps', some(rates('device_write_bps'))),
    ...optional('deviceWriteIops', some(rates('device_write_iops'))),
  };
}

function some<Item>(items: Item[]): Item[] | undefined {
  return items.length > 0 ? items : undefined;
}

function someRecord(record: Record<string, string>): Record<string, string> | undefined {
  return Object.keys(record).length > 0 ? record : undefined;
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}
