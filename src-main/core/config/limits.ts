/** Everything of the config center that grows has its number here. */

export const limits = {
  namespaces: 500,
  items: 10_000,
  /** Releases kept per item; the active, the gray and the newest ones stay. */
  releases: 100,
  /** Characters of all releases of one item together. */
  releaseText: 16 * 1024 * 1024,
  guards: 20,
  tokens: 200,
  /** Removed items that are remembered for waiting readers. */
  gone: 1000,
  /** Readers remembered, over all items. */
  users: 20_000,
  /** A reader that was not seen for so long is forgotten, milliseconds. */
  userAge: 15 * 60_000,
  /** Problems told of one text. */
  problems: 50,
  /** Lines compared one by one on each side. */
  diffLines: 20_000,
  /** Work of one comparison: steps and copies of paths. */
  diffWork: 1_000_000,
  depth: 200,
} as const;
