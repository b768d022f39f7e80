using PoolHub.Protocol;

namespace PoolHub.Tests.Support;

internal static class Samples
{
    /// <summary>A key that a miner may bring where enrolment is open.</summary>
    public const string OwnKey = "a-key-of-its-own";

    public static readonly MinerProfile Profile = new()
    {
        Addr = "10.0.3.7:9000",
        Proto = "grpc",
        GpuName = "RTX 4090",
        GpuVramGb = 24,
        CpuCores = 16,
        RamGb = 64,
        Price = new TokenPrice(TokenPrice.Unit / 4 * 3),
        MaxParallel = 4,
        Region = "eu-west-1",
        Owner = "acme",
        Accel = ["cuda"],
        Tags = ["low-latency"],
        Capabilities = ["task:image_embedding"],
    };

    public static string Registration(string minerId, string key, string more = "") =>
        $$"""
        {"miner_id":"{{minerId}}","api_key":"{{key}}","addr":"10.0.3.7:9000","proto":"grpc","price_token_per_ksec":0.75{{more}}}
        """;
}
