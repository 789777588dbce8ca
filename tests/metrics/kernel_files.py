"""What a cgroup's files say, read without the agent: the values of its rows, by their names."""
import os

TICKS = os.sysconf("SC_CLK_TCK")


def counts(text):
    """{word: number} of lines of both."""
    return {line.split()[0]: int(line.split()[1]) for line in text.splitlines()}


def limit(text):
    """Zero where there is none, for which version 1 writes almost 2^63."""
    return 0 if text.strip() == "max" or int(text) > 1 << 62 else int(text)


# A function of `read`, which gives the text of a file.
V2 = {
    "container_cpu_usage_seconds_total": lambda read: counts(read("cpu.stat"))["usage_usec"] / 1e6,
    "container_cpu_user_seconds_total": lambda read: counts(read("cpu.stat"))["user_usec"] / 1e6,
    "container_cpu_system_seconds_total": lambda read: counts(read("cpu.stat"))["system_usec"] / 1e6,
    "container_memory_usage_bytes": lambda read: int(read("memory.current")),
    "container_memory_working_set_bytes":
        lambda read: int(read("memory.current")) - counts(read("memory.stat"))["inactive_file"],
    "container_memory_rss": lambda read: counts(read("memory.stat"))["anon"],
    "container_memory_cache": lambda read: counts(read("memory.stat"))["file"],
    "container_memory_mapped_file": lambda read: counts(read("memory.stat"))["file_mapped"],
    "container_memory_max_usage_bytes": lambda read: int(read("memory.peak")),
    "container_memory_failcnt": lambda read: counts(read("memory.events"))["max"],
    "container_spec_memory_limit_bytes": lambda read: limit(read("memory.max")),
    "container_spec_memory_reservation_limit_bytes": lambda read: limit(read("memory.low")),
    "container_spec_cpu_period": lambda read: int(read("cpu.max").split()[1]),
    "container_spec_cpu_shares": lambda read: 2 + (int(read("cpu.weight")) - 1) * 262142 // 9999,
    "container_processes": lambda read: len(read("cgroup.procs").split()),
    "container_threads": lambda read: int(read("pids.current")),
    "container_threads_max": lambda read: limit(read("pids.max")),
}
# Of a cgroup with a quota alone.
V2_QUOTA = {
    "container_spec_cpu_quota": lambda read: int(read("cpu.max").split()[0]),
    "container_cpu_cfs_periods_total": lambda read: counts(read("cpu.stat"))["nr_periods"],
    "container_cpu_cfs_throttled_periods_total": lambda read: counts(read("cpu.stat"))["nr_throttled"],
    "container_cpu_cfs_throttled_seconds_total": lambda read: counts(read("cpu.stat"))["throttled_usec"] / 1e6,
}
V1 = {
    "container_cpu_usage_seconds_total": lambda read: int(read("cpuacct/cpuacct.usage")) / 1e9,
    "container_cpu_user_seconds_total": lambda read: counts(read("cpuacct/cpuacct.stat"))["user"] / TICKS,
    "container_cpu_system_seconds_total": lambda read: counts(read("cpuacct/cpuacct.stat"))["system"] / TICKS,
    "container_memory_usage_bytes": lambda read: int(read("memory/memory.usage_in_bytes")),
    "container_memory_working_set_bytes":
        lambda read: (int(read("memory/memory.usage_in_bytes")) -
                      counts(read("memory/memory.stat"))["total_inactive_file"]),
    "container_memory_rss": lambda read: counts(read("memory/memory.stat"))["total_rss"],
    "container_memory_cache": lambda read: counts(read("memory/memory.stat"))["total_cache"],
    "container_memory_mapped_file": lambda read: counts(read("memory/memory.stat"))["total_mapped_file"],
    "container_memory_max_usage_bytes": lambda read: int(read("memory/memory.max_usage_in_bytes")),
    "container_memory_failcnt": lambda read: int(read("memory/memory.failcnt")),
    "container_spec_memory_limit_bytes": lambda read: limit(read("memory/memory.limit_in_bytes")),
    "container_spec_memory_reservation_limit_bytes": lambda read: limit(read("memory/memory.soft_limit_in_bytes")),
    "container_spec_cpu_period": lambda read: int(read("cpu/cpu.cfs_period_us")),
    "container_spec_cpu_shares": lambda read: int(read("cpu/cpu.shares")),
    "container_processes": lambda read: len(read("pids/cgroup.procs").split()),
    "container_threads": lambda read: int(read("pids/pids.current")),
    "container_threads_max": lambda read: limit(read("pids/pids.max")),
}
V1_QUOTA = {
    "container_spec_cpu_quota": lambda read: int(read("cpu/cpu.cfs_quota_us")),
    "container_cpu_cfs_periods_total": lambda read: counts(read("cpu/cpu.stat"))["nr_periods"],
    "container_cpu_cfs_throttled_periods_total": lambda read: counts(read("cpu/cpu.stat"))["nr_throttled"],
    "container_cpu_cfs_throttled_seconds_total": lambda read: counts(read("cpu/cpu.stat"))["throttled_time"] / 1e9,
}


def values(read):
    """`read` gives the text of a file: of version 1 below the controller's name."""
    try:
        names, of_quota, quota = V2, V2_QUOTA, "max" not in read("cpu.max")
    except (OSError, KeyError):
        names, of_quota, quota = V1, V1_QUOTA, int(read("cpu/cpu.cfs_quota_us")) > 0
    return {name: value(read) for name, value in {**names, **(of_quota if quota else {})}.items()}


def expect_within(before, scraped, after):
    """Each value lies between those of the kernel before and after, give or take a hundredth."""
    for name, value in before.items():
        low, high = sorted((value, after[name]))
        assert low * 0.99 <= scraped.get(name, -1) <= high * 1.01, (name, value, scraped.get(name), after[name])
