//! Packages and programs, built byte by byte.

/// A `.deb` with these files (deb(5)), its `data.tar` not compressed.
pub fn deb(files: &[(&str, &[u8])]) -> Vec<u8> {
    deb_with_links(files, &[])
}

/// The same with symlinks, each with its target.
pub fn deb_with_links(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
    packed(tar::Builder::new(Vec::new()), files, links)
}

/// The same with a directory, which has this mode.
pub fn deb_with_directory(directory: &str, mode: u32, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut data = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(mode);
    data.append_data(&mut header, format!(".{directory}/"), &b""[..]).unwrap();
    packed(data, files, &[])
}

fn packed(mut data: tar::Builder<Vec<u8>>, files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        data.append_data(&mut header, format!(".{path}"), *content).unwrap();
    }
    for (path, target) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        data.append_link(&mut header, format!(".{path}"), target).unwrap();
    }
    let data = data.into_inner().unwrap();
    let mut deb = ar::Builder::new(Vec::new());
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", b""), ("data.tar", &data)] {
        deb.append(&ar::Header::new(name.into(), content.len() as u64), content).unwrap();
    }
    deb.into_inner().unwrap()
}

/// A correct program for this ARM: `Tag_CPU_arch` 6 is ARMv6, 10 is ARMv7 (Addenda to the ABI for the Arm Architecture
/// §3.3.5.2).
pub fn arm_program(cpu_arch: u8) -> Vec<u8> {
    Program { cpu_arch, ..Program::default() }.bytes()
}

/// An ELF file that has headers only.
pub struct Program {
    /// `Tag_CPU_arch`
    pub cpu_arch: u8,
    /// `e_type`
    pub kind: u16,
    /// `p_type` and `p_flags` of each segment.
    pub segments: Vec<(u32, u32)>,
}

pub const ET_EXEC: u16 = 2;
pub const ET_DYN: u16 = 3;
pub const PT_LOAD: u32 = 1;
pub const PT_GNU_STACK: u32 = 0x6474_e551;
pub const PT_GNU_RELRO: u32 = 0x6474_e552;
pub const PF_X: u32 = 1;
pub const PF_W: u32 = 2;
pub const PF_R: u32 = 4;

impl Default for Program {
    fn default() -> Self {
        let segments = vec![
            (PT_LOAD, PF_R | PF_X),
            (PT_LOAD, PF_R | PF_W),
            (PT_GNU_STACK, PF_R | PF_W),
            (PT_GNU_RELRO, PF_R),
        ];
        Self { cpu_arch: 6, kind: ET_DYN, segments }
    }
}

impl Program {
    pub fn bytes(&self) -> Vec<u8> {
        const HEADER: u32 = 52;
        const SEGMENT: u32 = 32;
        const NAMES: &[u8] = b"\0.shstrtab\0.ARM.attributes\0";
        // 'A', length, vendor; Tag_File, length, Tag_CPU_arch and its value.
        let attributes = [b"A\x11\0\0\0aeabi\0\x01\x07\0\0\0\x06".as_slice(), &[self.cpu_arch]].concat();
        let count = self.segments.len() as u16;
        let names_at = HEADER + SEGMENT * u32::from(count);
        let attributes_at = names_at + NAMES.len() as u32;
        let sections_at = attributes_at + attributes.len() as u32;
        let half = |it: u16| it.to_le_bytes().to_vec();
        let word = |it: u32| it.to_le_bytes().to_vec();
        let words = |it: &[u32]| it.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>();
        let segment = |&(kind, flags): &(u32, u32)| words(&[kind, 0, 0, 0, 0, 0, flags, 4]);
        [
            // 32 bits, little-endian, EM_ARM.
            b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
            [half(self.kind), half(40), words(&[1, 0, HEADER, sections_at]), word(0x0500_0000)].concat(),
            // Three section headers, the second of which is the names'.
            [half(52), half(32), half(count), half(40), half(3), half(1)].concat(),
            self.segments.iter().flat_map(segment).collect(),
            NAMES.to_vec(),
            attributes.clone(),
            words(&[0; 10]),
            words(&[1, 3, 0, 0, names_at, NAMES.len() as u32, 0, 0, 1, 0]),
            words(&[11, 0x7000_0003, 0, 0, attributes_at, attributes.len() as u32, 0, 0, 1, 0]),
        ]
        .concat()
    }
}
