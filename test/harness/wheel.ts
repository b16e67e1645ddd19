import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

/** A wheel to be made: what pip, and prescore, read of one. */
export interface MadeWheel {
  /** As in the file name, such as `onnxruntime_gpu`. */
  readonly name: string;
  readonly version: string;
  /** The rest of the file name, such as `cp312-cp312-manylinux_2_28_x86_64`. */
  readonly tags: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Changes RECORD before it is packed. */
  readonly record?: (text: string) => string;
}

/** Writes a wheel into a folder, with METADATA, WHEEL and RECORD; the path of the file. */
export function makeWheel(folder: string, { name, version, tags, files, record = (text) => text }: MadeWheel): string {
  const info = `${name}-${version}.dist-info`;
  const all = new Map(Object.entries(files));
  const metadata = `Metadata-Version: 2.1\nName: ${name.replaceAll('_', '-')}\nVersion: ${version}\nLicense: MIT\n`;
  all.set(`${info}/METADATA`, Buffer.from(metadata));
  const [python, abi, platforms] = tags.split('-');
  const tagLines = (platforms ?? '').split('.').map((platform) => `Tag: ${python}-${abi}-${platform}`);
  all.set(`${info}/WHEEL`, Buffer.from(`Wheel-Version: 1.0\nRoot-Is-Purelib: false\n${tagLines.join('\n')}\n`));
  const lines = [...all].map(([path, bytes]) => {
    const digest = createHash('sha256').update(bytes).digest('base64url');
    return `${path},sha256=${digest},${bytes.length}`;
  });
  all.set(`${info}/RECORD`, Buffer.from(record(`${lines.join('\n')}\n${info}/RECORD,,\n`)));
  const path = join(folder, `${name}-${version}-${tags}.whl`);
  writeFileSync(path, zip(all));
  return path;
}

function zip(files: ReadonlyMap<string, Buffer>): Buffer {
  const [bodies, directory]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const [name, bytes] of files) {
    // As real wheels, with both ways of packing.
    const isPacked = !name.endsWith('/WHEEL');
    const packed = isPacked ? deflateRawSync(bytes, { level: 1 }) : bytes;
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(isPacked ? 8 : 0, 4);
    shared.writeUInt16LE(0x21, 8); // 1980-01-01
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const body = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(0o100644 * 65536, 6);
    rest.writeUInt32LE(at, 10);
    const made = Buffer.from([0x14, 0x03]);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), made, shared, rest, Buffer.from(name)]));
    bodies.push(body);
    at += body.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.size, 8);
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, list, end]);
}
