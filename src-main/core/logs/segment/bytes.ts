/** Bytes by hand, shared with the other rooms that write files. */
export { ByteReader, ByteWriter, crc32, DamagedError } from '../../../base/bytes';
