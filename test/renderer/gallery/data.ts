import type { ReplicaDot } from '../../../src-renderer/parts/replicaDots';
import type { State } from '../../../src-renderer/parts/state';

/** Seeded numbers, so that two looks at the gallery show the same. */
export function seeded(seed: string): () => number {
  let state = 0;
  for (const letter of seed) state = (state * 31 + letter.charCodeAt(0)) >>> 0;
  return () => (state = (state * 1664525 + 1013904223) >>> 0) / 4294967296;
}

/** A wandering curve of `count` values. */
export function wave(
  seed: string,
  count: number,
  shape: { base: number; amplitude: number; noise?: number; trend?: number },
): number[] {
  const random = seeded(seed);
  random();
  const phase = random() * 6;
  let drift = 0;
  return Array.from({ length: count }, (_, index) => {
    drift = drift * 0.8 + (random() - 0.5) * (shape.noise ?? 0.3);
    const swing = shape.amplitude * (Math.sin((index / count) * 5 + phase) * 0.5 + drift);
    return Math.max(0, shape.base + swing + ((shape.trend ?? 0) * index) / count);
  });
}

export interface GalleryService {
  stack: string;
  name: string;
  state: State;
  dots: ReplicaDot[];
  wanted: number;
  revision: string;
  image: string;
  cpu: number;
  memory: number;
  limit: number;
  rate: string;
  ports: string;
  age: string;
  words: string;
  cpuValues: number[];
  memoryValues: number[];
}

type Line = [
  string,
  string,
  State,
  string,
  number,
  number,
  string,
  number,
  number,
  number,
  string,
  string,
  string,
  string,
];
const lines: Line[] = [
  ['shop', 'gateway', 'ok', 'oo', 2, 7, 'traefik:3.1', 0.18, 96, 512, '412', ':80 :443', '12 d', 'Running'],
  ['shop', 'web', 'ok', 'ooo', 3, 31, 'shop/web:5.12.0', 0.29, 344, 1024, '286', 'shop.localhost', '2 d', 'Running'],
  [
    'shop',
    'checkout',
    'critical',
    'oo|c',
    3,
    14,
    'shop/checkout:2.8.1',
    0.41,
    402,
    768,
    '61',
    '/checkout',
    '10 m',
    'Not ready, r14 1/3',
  ],
  [
    'shop',
    'catalog',
    'ok',
    'ooo',
    3,
    22,
    'shop/catalog:4.0.3',
    0.33,
    488,
    1024,
    '198',
    '/api/catalog',
    '6 d',
    'Running',
  ],
  ['shop', 'cart', 'ok', 'oo', 2, 18, 'shop/cart:3.3.0', 0.12, 151, 512, '87', '/api/cart', '6 d', 'Running'],
  ['shop', 'payments', 'ok', 'o', 1, 9, 'shop/payments:1.19.2', 0.09, 188, 512, '58', '8080', '19 d', 'Running'],
  [
    'shop',
    'orders-worker',
    'progress',
    'ooop',
    4,
    12,
    'shop/orders:2.2.0',
    0.51,
    612,
    1024,
    '–',
    '–',
    '3 d',
    'Scaling 3/4',
  ],
  ['shop', 'mailer', 'critical', 'c', 1, 3, 'shop/mailer:0.9.4', 0, 0, 256, '–', '1025', '26 m', 'Backing off 0:48'],
  ['shop', 'postgres', 'ok', 'o', 1, 4, 'postgres:16.4', 0.74, 4301, 8192, '–', '5432', '41 d', 'Running'],
  ['shop', 'redis', 'warning', 'w', 1, 2, 'redis:7.4-alpine', 0.07, 238, 256, '–', '6379', '41 d', 'Memory 93%'],
  ['data', 'clickhouse', 'ok', 'o', 1, 5, 'clickhouse:24.8', 1.56, 6554, 12288, '14', '8124', '9 d', 'Running'],
  [
    'data',
    'minio',
    'progress',
    'op',
    2,
    6,
    'minio:2026-10-29',
    0.16,
    301,
    1024,
    '22',
    '9000 9001',
    '2 m',
    'Updating 1/2',
  ],
  ['data', 'etl-nightly', 'off', '', 0, 40, 'data/etl:1.7.2', 0, 0, 0, '–', '–', '11 h', 'Done, exit 0'],
  [
    'home',
    'home-assistant',
    'ok',
    'o',
    1,
    11,
    'home-assistant:2026.11',
    0.21,
    512,
    1024,
    '3',
    '8123',
    '5 d',
    'Running',
  ],
  ['home', 'mosquitto', 'ok', 'o', 1, 1, 'mosquitto:2.0', 0.01, 9, 64, '–', '1883', '88 d', 'Running'],
  ['media', 'jellyfin', 'ok', 'o', 1, 8, 'jellyfin:10.10.3', 1.08, 1946, 4096, '6', '8096', '14 d', 'Running'],
  ['media', 'transcoder', 'off', '', 0, 3, 'media/ffmpeg:7.1', 0, 0, 0, '–', '–', '1 d', 'Stopped'],
  ['tools', 'gitea', 'ok', 'o', 1, 2, 'gitea:1.22', 0.05, 214, 512, '2', '3000 2222', '60 d', 'Running, drifted'],
  ['tools', 'registry', 'ok', 'o', 1, 1, 'registry:2.8', 0.02, 44, 256, '1', '5000', '60 d', 'Running'],
];
const letters: Record<string, State> = { o: 'ok', p: 'progress', w: 'warning', c: 'critical', x: 'off' };

function dotsOf(text: string): ReplicaDot[] {
  return text
    .split('|')
    .flatMap((part, revision) =>
      [...part].map((letter) => ({ state: letters[letter] ?? 'off', revision: `r${revision}` })),
    );
}

/** The workloads of the mock. */
export const services: GalleryService[] = lines.map(
  ([stack, name, state, dots, wanted, revision, image, cpu, memory, limit, rate, ports, age, words]) => ({
    stack,
    name,
    state,
    dots: dotsOf(dots),
    wanted,
    revision: `r${revision}`,
    image,
    cpu,
    memory,
    limit,
    rate,
    ports,
    age,
    words,
    cpuValues: wave(`${name}c`, 32, { base: cpu, amplitude: Math.max(0.012, cpu * 0.7), noise: 0.5 }),
    memoryValues:
      name === 'redis'
        ? wave('rm', 32, { base: 150, amplitude: 6, trend: 88 })
        : wave(`${name}m`, 32, { base: memory, amplitude: memory * 0.08, trend: memory * 0.05 }),
  }),
);
