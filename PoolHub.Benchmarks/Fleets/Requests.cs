using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Benchmarks.Fleets;

/// <summary>What is asked. Each kind comes in as many variations, so that no answer is remembered, neither by the processor nor as a repeated search.</summary>
internal static class Requests
{
    public const int Variations = 256;

    /// <summary>One capability that 5 % have, one region of ten, limits of price and memory: about 1 in 700 passes.</summary>
    public static MatchRequest[] Selective { get; } = [.. Enumerable.Range(0, Variations).Select(i => new MatchRequest
    {
        JobId = $"job-selective-{i}",
        Requirements = new MatchRequirements { CapabilitiesAny = [FleetGenerator.Model(i)], MinVramGb = i % 2 == 0 ? 16 : 24 },
        Hints = new MatchHints { Region = FleetGenerator.Region(i * 7), MaxPrice = Tokens(0.9 + (i * 0.00125)) },
    })];

    /// <summary>Half of the fleet passes: most by price, some by memory.</summary>
    public static MatchRequest[] Broad { get; } = [.. Enumerable.Range(0, Variations).Select(i => new MatchRequest
    {
        JobId = $"job-broad-{i}",
        Requirements = (i % 4) switch
        {
            0 => new MatchRequirements { MinVramGb = 16 },
            1 => new MatchRequirements { Accel = ["cuda"] },
            _ => null,
        },
        Hints = new MatchHints { MaxPrice = Tokens((i % 4) switch { 0 => 1.75, 1 => 1.53, _ => 1.18 } + (i * 0.00025)) },
    })];

    /// <summary>The example of docs/http-api.md, as it goes over HTTP.</summary>
    public static MatchRequest Example { get; } = new()
    {
        JobId = "0b9c6c1e-8a35-4f0e-9d3b-2f6f7f1c5a10",
        Requirements = new MatchRequirements
        {
            Task = "image_embedding",
            MinVramGb = 8,
            MinRamGb = 8,
            Accel = ["cuda"],
            TagsAny = ["eu-west", "low-latency"],
            CapabilitiesAny = [FleetGenerator.ExampleModel],
        },
        Hints = new MatchHints { Region = "eu", MaxPrice = Tokens(0.8), DeadlineMs = 5_000 },
        TopK = 3,
    };

    private static TokenPrice Tokens(double tokens) => new((long)(tokens * TokenPrice.Unit));
}
