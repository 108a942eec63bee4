//! Owns the tests of the control groups, over folders that look like a machine's.

use std::fs;

use tempfile::TempDir;

use super::*;

const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
const V1_MOUNT: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory";

/// A folder with these files, by path.
fn machine(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(&folder, path, text);
    }
    folder
}

fn write(folder: &TempDir, path: &str, text: &str) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(folder: &TempDir) -> GroupsReading {
    CgroupFiles::at(folder.path()).read()
}

fn figures(reading: &GroupsReading) -> Vec<(u64, u64)> {
    reading.cgroups.iter().map(|group| (group.used_bytes, group.limit_bytes)).collect()
}

#[test]
fn v2_counts_use_without_page_cache_against_the_lower_of_both_limits() {
    let folder = machine(&[
        ("proc/self/cgroup", "0::/user/app\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/user/app/memory.max", "1000\n"),
        ("sys/fs/cgroup/user/app/memory.high", "900\n"),
        ("sys/fs/cgroup/user/app/memory.current", "700\n"),
        ("sys/fs/cgroup/user/app/memory.stat", "anon 100\nfile 500\nkernel 5\nshmem 50\nfile_mapped 9\n"),
        ("sys/fs/cgroup/user/app/memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n"),
    ]);
    let reading = read(&folder);
    assert_eq!(figures(&reading), [(250, 900)]);
    assert_eq!(reading.events, Some(CgroupEvents { high: 2, max: 3, oom: 4 }));
}

#[test]
fn every_group_on_the_way_up_counts_and_max_is_no_limit() {
    let folder = machine(&[
        ("proc/self/cgroup", "0::/a/b/c\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/a/b/c/memory.max", "1000\n"),
        ("sys/fs/cgroup/a/b/c/memory.high", "max\n"),
        ("sys/fs/cgroup/a/b/c/memory.current", "100\n"),
        ("sys/fs/cgroup/a/b/c/memory.events", "max 1\n"),
        ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ("sys/fs/cgroup/a/b/memory.high", "max\n"),
        ("sys/fs/cgroup/a/b/memory.current", "300\n"),
        ("sys/fs/cgroup/a/b/memory.events", "max 100\n"),
        ("sys/fs/cgroup/a/memory.max", "500\n"),
        ("sys/fs/cgroup/a/memory.current", "400\n"),
        ("sys/fs/cgroup/a/memory.events", "max 10\n"),
    ]);
    let reading = read(&folder);
    assert_eq!(figures(&reading), [(100, 1000), (400, 500)]);
    assert_eq!(reading.events.unwrap().max, 11);
}

#[test]
fn v1_takes_the_limit_of_the_whole_way_up() {
    let folder = machine(&[
        ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:hugetlb,memory:/job/task\n1:name=systemd:/x\n"),
        ("proc/self/mountinfo", V1_MOUNT),
        ("sys/fs/cgroup/memory/job/task/memory.limit_in_bytes", "9223372036854771712\n"),
        ("sys/fs/cgroup/memory/job/task/memory.usage_in_bytes", "700\n"),
        (
            "sys/fs/cgroup/memory/job/task/memory.stat",
            "cache 1\nhierarchical_memory_limit 800\ntotal_cache 600\ntotal_shmem 100\n",
        ),
        ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "800\n"),
        ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "790\n"),
        ("sys/fs/cgroup/memory/job/memory.stat", "total_cache 600\ntotal_shmem 100\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "5000\n"),
    ]);
    assert_eq!(figures(&read(&folder)), [(200, 800), (290, 800)]);
    assert_eq!(read(&folder).events, None);
}

#[test]
fn both_versions_at_once_are_both_asked() {
    let folder = machine(&[
        ("proc/self/cgroup", "4:memory:/job\n0::/job\n"),
        (
            "proc/self/mountinfo",
            &format!("{V1_MOUNT}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"),
        ),
        ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "800\n"),
        ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "100\n"),
        ("sys/fs/cgroup/unified/job/memory.pressure", "some total=7\nfull total=3\n"),
        ("proc/pressure/memory", "some avg10=0.00 total=70\nfull avg10=0.00 total=30\n"),
    ]);
    let reading = read(&folder);
    assert_eq!(figures(&reading), [(100, 800)]);
    assert_eq!(reading.stall, Some(Stall { some_micros: 7, full_micros: 3 }));
}

#[test]
fn a_container_sees_its_own_group_at_the_mount_point() {
    let own = [
        ("sys/fs/cgroup/memory.max", "500\n"),
        ("sys/fs/cgroup/memory.current", "100\n"),
        ("sys/fs/cgroup/other/memory.max", "1\n"),
        ("sys/fs/cgroup/other/memory.current", "1\n"),
    ];
    let namespaced = "30 23 0:26 /docker/77 /sys/fs/cgroup ro - cgroup2 cgroup rw";
    let climbing = "30 23 0:26 /.. /sys/fs/cgroup ro - cgroup2 cgroup rw";
    for (group, mount) in [
        ("0::/\n", V2_MOUNT),
        ("0::/docker/77\n", namespaced),
        ("0::/docker/77\n", V2_MOUNT),
        ("0::/elsewhere\n", namespaced),
        ("0::/\n", climbing),
        ("0::/../other\n", V2_MOUNT),
    ] {
        let folder = machine(&own);
        write(&folder, "proc/self/cgroup", group);
        write(&folder, "proc/self/mountinfo", mount);
        assert_eq!(figures(&read(&folder)), [(100, 500)], "{group} {mount}");
    }
}

#[test]
fn a_group_below_the_mounted_one_is_found() {
    let folder = machine(&[
        ("proc/self/cgroup", "0::/docker/77/inner\n"),
        ("proc/self/mountinfo", "30 23 0:26 /docker/77 /sys/fs/c\\040group ro - cgroup2 cgroup rw"),
        ("sys/fs/c group/inner/memory.max", "50\n"),
        ("sys/fs/c group/inner/memory.current", "10\n"),
    ]);
    assert_eq!(figures(&read(&folder)), [(10, 50)]);
}

#[test]
fn a_group_beside_that_of_the_namespace_is_found_where_its_parent_is_mounted() {
    let folder = machine(&[
        ("proc/self/cgroup", "0::/../other\n"),
        ("proc/self/mountinfo", "30 23 0:26 /.. /sys/fs/cgroup ro - cgroup2 cgroup rw"),
        ("sys/fs/cgroup/other/memory.max", "50\n"),
        ("sys/fs/cgroup/other/memory.current", "10\n"),
    ]);
    assert_eq!(figures(&read(&folder)), [(10, 50)]);
}

#[test]
fn what_cannot_be_read_does_not_limit() {
    assert_eq!(read(&machine(&[])), GroupsReading::default());
    let group = [("proc/self/cgroup", "0::/a\n"), ("proc/self/mountinfo", V2_MOUNT)];
    assert_eq!(read(&machine(&group)), GroupsReading::default());
    assert_eq!(read(&machine(&group[..1])), GroupsReading::default());
    let no_use = machine(&group);
    write(&no_use, "sys/fs/cgroup/a/memory.max", "5\n");
    assert_eq!(figures(&read(&no_use)), []);
}

#[test]
fn garbage_does_not_limit_either() {
    for garbage in ["", "\n", "-5", "1e9", "99999999999999999999999", "\u{0}\u{0}", "many words here"] {
        let folder = machine(&[
            ("proc/self/cgroup", "0::/a\n"),
            ("proc/self/mountinfo", V2_MOUNT),
            ("sys/fs/cgroup/a/memory.max", garbage),
            ("sys/fs/cgroup/a/memory.current", "10"),
            ("proc/pressure/memory", garbage),
        ]);
        assert_eq!(read(&folder), GroupsReading::default(), "{garbage:?}");
    }
    let lines = ["", ":::", "0:", "x:y", "0::relative/..", ":memory:/"];
    let mounts = ["", " - ", "1 2 3 - cgroup2", "1 2 3 / - cgroup2 x", "1 2 3 / /p\\9 rw - cgroup2"];
    for (line, mount) in lines.into_iter().flat_map(|line| mounts.map(|mount| (line, mount))) {
        let folder = machine(&[("proc/self/cgroup", line), ("proc/self/mountinfo", mount)]);
        assert_eq!(figures(&read(&folder)), [], "{line} {mount}");
    }
}

#[test]
fn long_files_are_read_up_to_a_limit() {
    let long = format!("{}{}", "x 1\n".repeat(20_000), "file 500\n");
    let folder = machine(&[
        ("proc/self/cgroup", "0::/a\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/a/memory.max", "1000"),
        ("sys/fs/cgroup/a/memory.current", "900"),
        ("sys/fs/cgroup/a/memory.stat", &long),
    ]);
    assert_eq!(figures(&read(&folder)), [(900, 1000)]);
}

#[test]
fn a_process_that_is_moved_is_followed() {
    let folder = machine(&[
        ("proc/self/cgroup", "0::/a\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/a/memory.max", "1000"),
        ("sys/fs/cgroup/a/memory.current", "1"),
        ("sys/fs/cgroup/b/memory.max", "2000"),
        ("sys/fs/cgroup/b/memory.current", "2"),
    ]);
    let mut files = CgroupFiles::at(folder.path());
    assert_eq!(figures(&files.read()), [(1, 1000)]);
    write(&folder, "proc/self/cgroup", "0::/b\n");
    assert_eq!(figures(&files.read()), [(2, 2000)]);
    write(&folder, "sys/fs/cgroup/b/memory.max", "max\n");
    assert_eq!(figures(&files.read()), []);
}

#[test]
fn stall_times_come_from_the_own_group_or_the_machine() {
    let folder = machine(&[
        ("proc/self/cgroup", "0::/a\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("proc/pressure/memory", "some avg10=0.10 avg60=0.00 avg300=0.00 total=70\n"),
    ]);
    assert_eq!(read(&folder).stall, Some(Stall { some_micros: 70, full_micros: 0 }));
    write(&folder, "sys/fs/cgroup/a/memory.pressure", "some avg10=0.10 total=7\nfull total=5\n");
    assert_eq!(read(&folder).stall, Some(Stall { some_micros: 7, full_micros: 5 }));
}

#[test]
fn the_own_size_is_read_in_kibibytes() {
    let folder =
        machine(&[("proc/self/status", "Name:\tVmRSS: 7 kB\nVmSize:\t   2000 kB\nVmRSS:\t 10 kB\n")]);
    assert_eq!(CgroupFiles::at(folder.path()).own_size(), Some((10 << 10, 2000 << 10)));
    assert_eq!(CgroupFiles::at(machine(&[]).path()).own_size(), None);
}
