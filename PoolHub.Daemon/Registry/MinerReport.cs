namespace PoolHub.Daemon.Registry;

/// <summary>What a heartbeat or an update says; null where it does not.</summary>
internal readonly record struct MinerReport(
    int QueueLen, bool? Busy = null, int? CurrentJobs = null, int? AvgLatencyMs = null, int? TempC = null, double? MemFreeGb = null);
