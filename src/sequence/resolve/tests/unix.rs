//! What only Unix has: names that are no Unicode, pipes, sockets, devices, permissions.

use super::*;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

#[test]
fn names_that_are_no_unicode_open() {
    let shelf = Shelf::new(&[]);
    let path = |name: &[u8]| shelf.0.path().join(OsString::from_vec(name.to_vec()));
    // Some file systems refuse such names; there is nothing to open then.
    if File::create(path(b"\xff\xfe.0001.exr")).is_err() {
        return;
    }
    File::create(path(b"\xff\xfe.0002.exr")).unwrap();
    let args: [&[u8]; 3] = [b"\xff\xfe.####.exr", b"\xff\xfe.0002.exr", b"\xff\xfe.####.exr=2-9"];
    let args = args.map(|name| path(name).into_os_string());
    let (resolved, errors) = resolve(&args, &ResolveOptions::default());
    let opened: Vec<String> = resolved.iter().map(described).collect();
    let expected = ["\\xff\\xfe.0001-0002.exr", "\\xff\\xfe.0001-0002.exr@2", "\\xff\\xfe.0002.exr[2..9]"];
    assert_eq!((opened, errors.len()), (expected.map(String::from).to_vec(), 0));
    let Media::Sequence(sequence) = &resolved[0].media else { panic!() };
    assert!(sequence.frames().iter().all(|frame| frame.path.exists()));
}

#[test]
fn sockets_and_devices_are_refused() {
    let shelf = Shelf::new(&[]);
    let _listener = std::os::unix::net::UnixListener::bind(shelf.path("s.exr")).unwrap();
    assert!(shelf.error(&["s.exr"]).contains("is a socket, not media"));
    let (_, errors) = resolve(&["/dev/null".into()], &ResolveOptions::default());
    assert!(errors[0].to_string().contains("is a device, not media"));
}

#[test]
fn a_named_pipe_is_refused_without_opening_it() {
    let shelf = Shelf::new(&[]);
    let made = std::process::Command::new("mkfifo").arg(shelf.path("p.exr")).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(shelf.error(&["p.exr"]).contains("is a named pipe, not media"));
    }
}

#[test]
fn a_loop_of_links_is_told() {
    let shelf = Shelf::new(&[]);
    std::os::unix::fs::symlink(shelf.path("loop.exr"), shelf.path("loop.exr")).unwrap();
    assert!(shelf.error(&["loop.exr"]).starts_with("cannot read "));
}

#[test]
fn a_file_in_a_folder_that_cannot_be_listed_is_opened_alone() {
    let shelf = Shelf::frames("a.", 1..=3, 4);
    let allow = |mode| std::fs::set_permissions(shelf.0.path(), PermissionsExt::from_mode(mode)).unwrap();
    allow(0o100);
    let listable = std::fs::read_dir(shelf.0.path()).is_ok();
    let opened = shelf.opened(&["a.0001.exr"]);
    allow(0o700);
    // Whoever may read everything still sees the whole sequence.
    assert_eq!(opened, [if listable { "a.0001-0003.exr@1" } else { "file a.0001.exr" }]);
}

#[test]
fn a_dangling_link_named_like_a_shell_pattern_is_told_once() {
    let shelf = Shelf::new(&[]);
    std::os::unix::fs::symlink("nowhere", shelf.path("a*.exr")).unwrap();
    assert!(shelf.error(&["a*.exr"]).starts_with("cannot read "));
}
