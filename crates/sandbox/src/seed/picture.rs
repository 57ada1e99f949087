//! Draws the picture of the seeded workspace and writes it as PNG, without compression.

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;

/// Returns a small hilly landscape as PNG.
pub(super) fn hills() -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..HEIGHT {
        pixels.push(0); // each row begins with the number of its filter: none
        for x in 0..WIDTH {
            pixels.extend(colour(x, y));
        }
    }
    let mut header = Vec::new();
    header.extend(WIDTH.to_be_bytes());
    header.extend(HEIGHT.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]); // eight bits each of red, green and blue
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &stored(&pixels));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn colour(x: u32, y: u32) -> [u8; 3] {
    let near = 40 + x.abs_diff(64) / 4;
    let far = 24 + x.abs_diff(28) / 3;
    if y >= near {
        [43, 106, 77]
    } else if y >= far {
        [116, 158, 132]
    } else if x.abs_diff(76).pow(2) + y.abs_diff(13).pow(2) < 40 {
        [246, 201, 96]
    } else {
        [214, 232, 240]
    }
}

/// Wraps bytes as a zlib stream of stored blocks (RFC 1950 and 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    stream.extend((high << 16 | low).to_be_bytes());
    stream
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(data);
    let checksum = checksum(&png[start..]);
    png.extend(checksum.to_be_bytes());
}

/// CRC-32 as PNG has it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
