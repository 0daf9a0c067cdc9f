//! What a witness is asked.

use breakglass_tlog::{
    AddCheckpoint, add_checkpoint::parse_size, limits::MAX_WITNESS_PROOF_HASHES,
};

/// The example in C2SP `tlog-witness`, "add-checkpoint".
const PUBLISHED: &str = "\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

#[test]
fn the_published_request_is_read_and_written_byte_for_byte() {
    let read = AddCheckpoint::parse(PUBLISHED).unwrap();
    assert_eq!((read.old, read.proof.len()), (20_852_014, 4));
    assert!(
        read.note
            .starts_with("example.com/behind-the-sofa\n20852163\n")
    );
    assert_eq!(read.to_string(), PUBLISHED);
    assert_eq!(read.proof_to(20_852_163).new, 20_852_163);
}

#[test]
fn the_first_one_has_no_proof() {
    let read = AddCheckpoint::parse("old 0\n\na\n1\nb\n\n— a b\n").unwrap();
    assert_eq!((read.old, read.proof.len()), (0, 0));
    assert_eq!(read.note, "a\n1\nb\n\n— a b\n");
}

#[test]
fn what_is_written_otherwise_is_refused() {
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    let long = format!("old 1\n{}\nnote", hash.repeat(MAX_WITNESS_PROOF_HASHES + 1));
    assert!(AddCheckpoint::parse(&long.replacen(hash, "", 1)).is_ok());
    for wrong in [
        "",
        "old 0\n",
        "old 0\nnote",
        "old 00\n\nnote",
        "old +1\n\nnote",
        "old -1\n\nnote",
        "old  1\n\nnote",
        "old 1 \n\nnote",
        "old 9223372036854775808\n\nnote",
        "old 99999999999999999999999\n\nnote",
        "new 1\n\nnote",
        "old 1\nPlRN\n\nnote",
        "old 1\r\n\r\nnote",
        &long,
    ] {
        AddCheckpoint::parse(wrong).unwrap_err();
    }
}

#[test]
fn the_size_in_a_conflict_is_one_line() {
    assert_eq!(parse_size("20852014\n"), Some(20_852_014));
    for wrong in [
        "",
        "1",
        "01\n",
        "1\n\n",
        "-1\n",
        "one\n",
        "9223372036854775808\n",
    ] {
        assert_eq!(parse_size(wrong), None, "{wrong:?}");
    }
}
