/** An entry of an archive, and what of its description is made wrong on purpose. */
export interface ZipPart {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** 0: stored as it is. */
  readonly method?: number;
  /** General purpose bits; 1: encrypted. */
  readonly flags?: number;
  /** The size that the directory says. */
  readonly size?: number;
  /** Where the directory says that the entry begins. */
  readonly offset?: number;
}

/** A ZIP archive of stored entries, as PyTorch writes it but for alignment and checksums. */
export function zip(parts: readonly ZipPart[]): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, method = 0, flags = 0, size = bytes.length, offset = at } of parts) {
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    local.push(header, Buffer.from(name), Buffer.from(bytes));
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(size, 20);
    entry.writeUInt32LE(size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + bytes.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, central, end]);
}
