//! Owns the packing of Huffman blocks for tests: by hand, and with codes that are about as long as one another.

/// Bits in the making.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    bits: usize,
}

impl Writer {
    fn put(&mut self, value: u64, count: usize) {
        for at in (0..count).rev() {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = (value >> at & 1) as u8;
            *self.bytes.last_mut().expect("it packs") |= bit << (7 - self.bits % 8);
            self.bits += 1;
        }
    }
}

/// A block by hand: lengths of the codes of the symbols from `first` on, the last of which repeats, and what
/// comes of `(symbol, times)`: the symbol, and if there are times, the repetition.
pub fn block(first: u32, lengths: &[u64], data: &[(u32, Option<u8>)]) -> Vec<u8> {
    let mut table = Writer::default();
    let mut at = 0;
    while at < lengths.len() {
        let zeros = lengths[at..].iter().take_while(|length| **length == 0).count().min(261);
        match zeros {
            0 => table.put(lengths[at], 6),
            1 => table.put(0, 6),
            2..6 => table.put(57 + zeros as u64, 6),
            _ => table.put(63 << 8 | (zeros as u64 - 6), 14),
        }
        at += zeros.max(1);
    }
    let codes = codes(lengths);
    let mut bits = Writer::default();
    let last = lengths.len() - 1;
    for (symbol, times) in data {
        let symbol = (symbol - first) as usize;
        bits.put(codes[symbol], lengths[symbol] as usize);
        if let Some(times) = times {
            bits.put(codes[last], lengths[last] as usize);
            bits.put(u64::from(*times), 8);
        }
    }
    let mut block = Vec::new();
    for number in [first, first + last as u32, table.bytes.len() as u32, bits.bits as u32, 0] {
        block.extend(number.to_le_bytes());
    }
    [block, table.bytes, bits.bytes].concat()
}

/// A block of any symbols, runs of four and more as repetitions, whose codes are about as long as one another.
pub fn packed(symbols: &[u16]) -> Vec<u8> {
    let (first, last) = (symbols.iter().min().expect("it packs"), symbols.iter().max().expect("it packs"));
    let mut lengths = vec![0; usize::from(last - first) + 2];
    symbols.iter().for_each(|symbol| lengths[usize::from(symbol - first)] = 1);
    lengths[usize::from(last - first) + 1] = 1;
    let count = lengths.iter().sum::<u64>();
    let mut short = (2 << count.ilog2()) - count;
    for length in lengths.iter_mut().filter(|length| **length > 0) {
        *length = u64::from(count.ilog2()) + u64::from(short == 0);
        short = short.saturating_sub(1);
    }
    let mut data = Vec::new();
    for run in symbols.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(256)) {
        let symbol = u32::from(run[0]);
        match run.len() {
            0..4 => data.extend(run.iter().map(|_| (symbol, None))),
            length => data.push((symbol, Some((length - 1) as u8))),
        }
    }
    block(u32::from(*first), &lengths, &data)
}

/// Canonical codes, from the longest on.
fn codes(lengths: &[u64]) -> Vec<u64> {
    let mut codes = vec![0; lengths.len()];
    let mut code = 0;
    for length in (1..=58).rev() {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, found)| **found == length) {
            codes[symbol] = code;
            code += 1;
        }
        code /= 2;
    }
    codes
}
