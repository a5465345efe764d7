// What a shared library says of itself, read from the file: ELF, PE and Mach-O (System V gABI, Microsoft's PE
// format, Apple's loader.h), little endian. `read(bytes)` returns
//   { format, architecture, needs, exported, imported, glibc, signed }
// `needs`: the libraries that it loads; `exported`, `imported`: names of symbols; `glibc`: the newest version of
// glibc that it asks for; `signed`: whether a Mach-O file has a code signature.

/** A NUL-terminated string. */
const textAt = (bytes, offset) => bytes.toString('latin1', offset, bytes.indexOf(0, offset));

/** Newest of dotted versions, by number. */
const newest = (versions) =>
  versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);

const ELF_MACHINES = { 40: 'arm', 62: 'x64', 183: 'arm64' };
const [SHT_DYNAMIC, SHT_DYNSYM, SHT_GNU_VERNEED] = [6, 11, 0x6ffffffe];
const DT_NEEDED = 1;

function elf(bytes) {
  const wide = bytes[4] === 2;
  const word = (offset) =>
    wide ? Number(bytes.readBigUInt64LE(offset)) : bytes.readUInt32LE(offset);
  const step = wide ? 8 : 4;
  const [tableAt, entrySize, count] = wide
    ? [word(40), bytes.readUInt16LE(58), bytes.readUInt16LE(60)]
    : [word(32), bytes.readUInt16LE(46), bytes.readUInt16LE(48)];
  const sections = Array.from({ length: count }, (_, i) => {
    const at = tableAt + i * entrySize;
    const fields = at + 8 + 2 * step; // after sh_name, sh_type, sh_flags, sh_addr
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: word(fields),
      size: word(fields + step),
      link: bytes.readUInt32LE(fields + 2 * step),
    };
  });
  const found = { needs: [], exported: [], imported: [], versions: [] };
  for (const { type, offset, size, link } of sections) {
    const strings = sections[link]?.offset;
    if (type === SHT_DYNAMIC) {
      for (let at = offset; at < offset + size; at += 2 * step) {
        if (word(at) === DT_NEEDED) found.needs.push(textAt(bytes, strings + word(at + step)));
      }
    } else if (type === SHT_DYNSYM) {
      const symbolSize = wide ? 24 : 16;
      for (let at = offset + symbolSize; at < offset + size; at += symbolSize) {
        const name = textAt(bytes, strings + bytes.readUInt32LE(at));
        const defined = bytes.readUInt16LE(at + (wide ? 6 : 14)) !== 0;
        found[defined ? 'exported' : 'imported'].push(name);
      }
    } else if (type === SHT_GNU_VERNEED) {
      for (let at = offset, next = 1; next !== 0; at += next) {
        next = bytes.readUInt32LE(at + 12);
        let aux = at + bytes.readUInt32LE(at + 8);
        for (let i = bytes.readUInt16LE(at + 2); i > 0; i--) {
          found.versions.push(textAt(bytes, strings + bytes.readUInt32LE(aux + 8)));
          aux += bytes.readUInt32LE(aux + 12);
        }
      }
    }
  }
  const { versions, ...rest } = found;
  return {
    format: 'ELF',
    architecture: ELF_MACHINES[bytes.readUInt16LE(18)],
    glibc: newest(versions.filter((v) => v.startsWith('GLIBC_')).map((v) => v.slice(6))),
    ...rest,
  };
}

const PE_MACHINES = { 34404: 'x64', 43620: 'arm64' };

function pe(bytes) {
  const header = bytes.readUInt32LE(0x3c);
  const optional = header + 24;
  const sectionsAt = optional + bytes.readUInt16LE(header + 20);
  const sections = Array.from({ length: bytes.readUInt16LE(header + 6) }, (_, i) => {
    const at = sectionsAt + i * 40;
    return {
      address: bytes.readUInt32LE(at + 12),
      size: bytes.readUInt32LE(at + 16),
      offset: bytes.readUInt32LE(at + 20),
    };
  });
  const offsetOf = (address) => {
    const home = sections.find((s) => address >= s.address && address < s.address + s.size);
    return address - home.address + home.offset;
  };
  const directory = (index) => bytes.readUInt32LE(optional + 112 + index * 8);
  const needs = [];
  const imports = directory(1);
  if (imports !== 0) {
    for (let at = offsetOf(imports); bytes.readUInt32LE(at + 12) !== 0; at += 20) {
      needs.push(textAt(bytes, offsetOf(bytes.readUInt32LE(at + 12))));
    }
  }
  const exports = offsetOf(directory(0));
  const names = offsetOf(bytes.readUInt32LE(exports + 32));
  const exported = Array.from({ length: bytes.readUInt32LE(exports + 24) }, (_, i) =>
    textAt(bytes, offsetOf(bytes.readUInt32LE(names + i * 4))),
  );
  return {
    format: 'PE',
    architecture: PE_MACHINES[bytes.readUInt16LE(header + 4)],
    needs,
    exported,
    // Node-API is looked up by name in the program that loads it.
    imported: bytes.toString('latin1').match(/(?<![\w])(?:napi|node_api)_[a-z0-9_]+(?=\0)/g) ?? [],
  };
}

const MACH_MACHINES = { 16777223: 'x64', 16777228: 'arm64' };
const [LC_SYMTAB, LC_LOAD_DYLIB, LC_CODE_SIGNATURE] = [0x2, 0xc, 0x1d];
const [N_STAB, N_TYPE, N_EXT] = [0xe0, 0x0e, 0x01];

function mach(bytes) {
  const found = { needs: [], exported: [], imported: [], signed: false };
  let at = 32;
  for (let i = bytes.readUInt32LE(16); i > 0; i--) {
    const command = bytes.readUInt32LE(at) & 0x7fffffff;
    if (command === LC_LOAD_DYLIB) {
      found.needs.push(textAt(bytes, at + bytes.readUInt32LE(at + 8)));
    } else if (command === LC_CODE_SIGNATURE) {
      // CSMAGIC_EMBEDDED_SIGNATURE, big endian
      found.signed = bytes.readUInt32BE(bytes.readUInt32LE(at + 8)) === 0xfade0cc0;
    } else if (command === LC_SYMTAB) {
      const [symbols, count, strings] = [8, 12, 16].map((o) => bytes.readUInt32LE(at + o));
      for (let symbol = symbols; symbol < symbols + count * 16; symbol += 16) {
        const kind = bytes[symbol + 4];
        if ((kind & N_STAB) !== 0 || (kind & N_EXT) === 0) continue;
        // C names begin with an underscore.
        const name = textAt(bytes, strings + bytes.readUInt32LE(symbol)).replace(/^_/, '');
        found[(kind & N_TYPE) === 0 ? 'imported' : 'exported'].push(name);
      }
    }
    at += bytes.readUInt32LE(at + 4);
  }
  return { format: 'Mach-O', architecture: MACH_MACHINES[bytes.readUInt32LE(4)], ...found };
}

export function read(bytes) {
  const magic = bytes.toString('latin1', 0, 4);
  if (magic === '\x7fELF') return elf(bytes);
  if (magic.startsWith('MZ')) return pe(bytes);
  if (magic === '\xcf\xfa\xed\xfe') return mach(bytes);
  throw new Error(`neither ELF nor PE nor Mach-O: ${JSON.stringify(magic)}`);
}
