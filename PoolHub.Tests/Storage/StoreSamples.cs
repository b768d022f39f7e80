using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Tests.Storage;

internal static class StoreSamples
{
    public static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, 123, TimeSpan.Zero);

    public static readonly MinerProfile Full = new()
    {
        Addr = "10.0.3.7:9000",
        Proto = "grpc",
        GpuName = "RTX 4090 «Ünï» 🚀",
        GpuVramGb = 23.99,
        CpuCores = 32,
        RamGb = 127.5,
        Price = new TokenPrice(75_000_001),
        MaxParallel = 8,
        Region = "eu-west-1",
        Owner = "Müller & Söhne",
        Accel = ["cuda", "rocm"],
        Tags = ["low-latency", "日本語", "a\"quote'\\<>&"],
        Capabilities = ["sentence-transformers/all-MiniLM-L6-v2", "task:image_embedding"],
    };

    public static readonly MinerProfile Bare = new() { Addr = "h:1", Proto = "http" };

    public static StoredFeedback Feedback(string jobId) =>
        new(jobId, "m", "completed", 1200, "bad_input", new TokenPrice(5), Noon);
}
