//! Packages and programs, built byte by byte.

/// A `.deb` with these files (deb(5)), its `data.tar` not compressed.
pub fn deb(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut data = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        data.append_data(&mut header, format!(".{path}"), *content).unwrap();
    }
    let data = data.into_inner().unwrap();
    let mut deb = ar::Builder::new(Vec::new());
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", b""), ("data.tar", &data)] {
        deb.append(&ar::Header::new(name.into(), content.len() as u64), content).unwrap();
    }
    deb.into_inner().unwrap()
}

/// An ELF file that says for which ARM it was built, and nothing else: `Tag_CPU_arch` 6 is ARMv6,
/// 10 is ARMv7 (Addenda to the ABI for the Arm Architecture §3.3.5.2).
pub fn arm_program(cpu_arch: u8) -> Vec<u8> {
    const HEADER: u32 = 52;
    const NAMES: &[u8] = b"\0.shstrtab\0.ARM.attributes\0";
    // 'A', length, vendor; Tag_File, length, Tag_CPU_arch and its value.
    let attributes = [b"A\x11\0\0\0aeabi\0\x01\x07\0\0\0\x06".as_slice(), &[cpu_arch]].concat();
    let attributes_at = HEADER + NAMES.len() as u32;
    let sections_at = attributes_at + attributes.len() as u32;
    let half = |it: u16| it.to_le_bytes().to_vec();
    let word = |it: u32| it.to_le_bytes().to_vec();
    let words = |it: [u32; 10]| it.map(u32::to_le_bytes).concat();
    [
        // 32 bits, little-endian; ET_EXEC, EM_ARM.
        b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
        [half(2), half(40), word(1), word(0), word(0), word(sections_at), word(0x0500_0000)].concat(),
        // No program headers; three section headers, the second of which is the names'.
        [half(52), half(32), half(0), half(40), half(3), half(1)].concat(),
        NAMES.to_vec(),
        attributes.clone(),
        words([0; 10]),
        words([1, 3, 0, 0, HEADER, NAMES.len() as u32, 0, 0, 1, 0]),
        words([11, 0x7000_0003, 0, 0, attributes_at, attributes.len() as u32, 0, 0, 1, 0]),
    ]
    .concat()
}
