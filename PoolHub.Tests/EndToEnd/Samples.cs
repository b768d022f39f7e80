using System.Net.Http.Json;
using System.Text.Json.Nodes;
using PoolHub.Protocol;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Miners to join with.</summary>
internal static class Samples
{
    /// <summary>A key that a miner brings to a hub that lets it enrol itself.</summary>
    public static string KeyOf(string minerId) => $"own-key-of-{minerId}-0123456789";

    public static MinerProfile Profile(double vramGb = 24, decimal price = 0.6m, string region = "eu-west-1", string accel = "cuda") => new()
    {
        Addr = "10.0.3.7:9000",
        Proto = "grpc",
        GpuName = "RTX 4090",
        GpuVramGb = vramGb,
        CpuCores = 16,
        RamGb = 64,
        Price = Tokens(price),
        MaxParallel = 4,
        Region = region,
        Accel = [accel],
        Tags = ["low-latency"],
        Capabilities = ["task:image_embedding", "sentence-transformers/all-MiniLM-L6-v2"],
    };

    public static TokenPrice Tokens(decimal tokens) => new((long)(tokens * 100_000_000));

    /// <summary>
    /// Registers a miner over plain HTTP, and gives its session token. No round trip is measured
    /// to such a miner, so nothing of its score changes by itself.
    /// </summary>
    public static async Task<string> RegisterOverHttpAsync(HubProcess hub, string id, MinerProfile? profile = null, string? key = null)
    {
        profile ??= Profile();
        using HttpResponseMessage response = await hub.Http.PostAsJsonAsync("v1/miners/register", new JsonObject
        {
            ["miner_id"] = id,
            ["api_key"] = key ?? KeyOf(id),
            ["addr"] = profile.Addr,
            ["proto"] = profile.Proto,
            ["gpu_vram"] = profile.GpuVramGb,
            ["gpu_name"] = profile.GpuName,
            ["cpu_cores"] = profile.CpuCores,
            ["ram_gb"] = profile.RamGb,
            ["price_token_per_ksec"] = profile.Price.Tokens,
            ["max_parallel"] = profile.MaxParallel,
            ["region"] = profile.Region,
            ["accel"] = new JsonArray([.. profile.Accel]),
            ["tags"] = new JsonArray([.. profile.Tags]),
            ["capabilities"] = new JsonArray([.. profile.Capabilities]),
        });
        JsonObject answer = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.True(response.IsSuccessStatusCode, answer.ToJsonString());
        Assert.Equal("online", (string?)answer["status"]);
        return (string)answer["session_token"]!;
    }
}
