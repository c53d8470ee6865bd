/** cAdvisor's names for what we keep, so that boards and rules written for it work. Counters are made from kept rates. */

export interface Alias {
  metric: string;
  /** The sum of the rate over time, from the beginning of the stretch that is read. */
  counter: boolean;
}

export const aliases: Readonly<Record<string, Alias>> = {
  container_cpu_usage_seconds_total: { metric: 'cpu', counter: true },
  container_cpu_cfs_throttled_seconds_total: { metric: 'cpu_throttled', counter: true },
  container_memory_working_set_bytes: { metric: 'memory', counter: false },
  container_memory_usage_bytes: { metric: 'memory', counter: false },
  container_spec_memory_limit_bytes: { metric: 'memory_limit', counter: false },
  container_network_receive_bytes_total: { metric: 'network_rx', counter: true },
  container_network_transmit_bytes_total: { metric: 'network_tx', counter: true },
  container_fs_reads_bytes_total: { metric: 'block_read', counter: true },
  container_fs_writes_bytes_total: { metric: 'block_write', counter: true },
  container_processes: { metric: 'pids', counter: false },
};
