/** What ties a replica to machines: data that lies there and nowhere else. Pure. */
import type { ServiceSpec, VolumeSpec } from '../../contract/spec';
import type { StackParts } from '../stack';
import { volumeName } from './request';

/** Something a replica needs that lies on some nodes only. */
export interface Tie {
  kind: 'volume' | 'folder' | 'network';
  /** As the engine calls it. */
  name: string;
  /** External: it is never made by us. */
  external: boolean;
}

/** Paths that every machine has. */
const everywhere = /^\/(?:etc\/(?:localtime|timezone)|(?:var\/)?run\/docker\.sock|proc|sys|dev|tmp)(?:\/|$)/;
/** Drivers and file systems whose data is reached from anywhere, or is no data. */
const remoteTypes = /^(?:nfs4?|cifs|smb\w*|tmpfs|sshfs|ceph|glusterfs)$/;

/** Whether a volume's data lies on the machine that made it. */
export function isLocal(volume: VolumeSpec): boolean {
  if (volume.driver !== undefined && volume.driver !== 'local') return false;
  return !remoteTypes.test(volume.driverOpts['type'] ?? '');
}

/** The ties of the replica in one slot. */
export function tiesOf(spec: ServiceSpec, parts: StackParts, slot: number): Tie[] {
  const ties: Tie[] = [];
  for (const mount of spec.mounts) {
    if (mount.type === 'bind' && mount.source !== undefined && !everywhere.test(mount.source))
      ties.push({ kind: 'folder', name: mount.source, external: true });
    const volume = mount.type === 'volume' && mount.source !== undefined ? parts.volumes[mount.source] : undefined;
    if (!volume || !isLocal(volume)) continue;
    const name = volume.external ? volume.name : volumeName(volume.name, spec, slot);
    ties.push({ kind: 'volume', name, external: volume.external });
  }
  if (spec.networkMode === undefined) {
    for (const { network } of spec.networks) {
      const declared = parts.networks[network];
      if (declared?.external && declared.driver !== 'overlay')
        ties.push({ kind: 'network', name: declared.name, external: true });
    }
  }
  return ties;
}
