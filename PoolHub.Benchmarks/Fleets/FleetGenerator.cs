using PoolHub.Protocol;

namespace PoolHub.Benchmarks.Fleets;

/// <summary>
/// A fleet as it may be: 4 tags and 6 capabilities to a miner, prices, trust and round trips continuous, some miners
/// full. The same seed gives the same fleet; miners come in no order of anything.
/// </summary>
internal sealed class FleetGenerator(int seed)
{
    /// <summary>Each is a miner's with 5 %: a miner has 4 of 80.</summary>
    public const int Models = 80;

    /// <summary>The model in the example of docs/http-api.md.</summary>
    public const string ExampleModel = "sentence-transformers/all-MiniLM-L6-v2";

    private static readonly string[] s_regions =
    [
        "eu-west-1", "eu-west-2", "eu-central-1", "eu-north-1", "us-east-1", "us-east-2", "us-west-2", "ap-south-1",
        "ap-northeast-1", "sa-east-1",
    ];
    private static readonly string[] s_tasks =
    [
        "task:image_embedding", "task:text_embedding", "task:chat", "task:transcription", "task:diffusion", "task:rerank",
        "task:upscale", "task:training",
    ];
    private static readonly string[] s_tags =
    [
        "low-latency", "eu-west", "spot", "nvlink", "quiet", "green", "datacenter", "home", "ecc", "batch", "night", "verified",
    ];
    private static readonly string[][] s_accels = [["cuda"], ["cuda"], ["cuda"], ["cuda", "cpu"], ["cuda", "cpu"], ["cuda"], ["rocm"], ["metal", "cpu"]];
    private static readonly (double VramGb, string Gpu)[] s_cards =
    [
        (8, "RTX 3060 Ti"), (12, "RTX 4070"), (16, "RTX 4080"), (24, "RTX 4090"), (48, "L40S"), (80, "H100"),
    ];
    private static readonly double[] s_ramGb = [16, 32, 64, 128, 256];
    private static readonly string[] s_models = [ExampleModel, .. Enumerable.Range(1, Models - 1).Select(i => $"models/open-{i:00}-instruct")];

    private static FleetMiner[] s_last = [];

    private readonly Random _random = new(seed);
    private int _made;

    /// <summary>Each is one miner's in ten; <paramref name="index"/> may be any number, as in <see cref="Model"/>.</summary>
    public static string Region(int index) => s_regions[index % s_regions.Length];

    public static string Model(int index) => s_models[index % Models];

    /// <summary>The fleet of so many. The last one is kept: scenarios of one size that follow each other share it.</summary>
    public static FleetMiner[] Make(int count)
    {
        if (s_last.Length != count)
        {
            s_last = [.. new FleetGenerator(seed: 1).Take(count)];
        }
        return s_last;
    }

    public IEnumerable<FleetMiner> Take(int count)
    {
        for (int i = 0; i < count; i++)
        {
            yield return Next();
        }
    }

    private FleetMiner Next()
    {
        int number = _made++;
        MinerProfile profile = NextProfile(number);
        int maxParallel = profile.MaxParallel;
        return new FleetMiner(
            $"miner-{number:0000000}",
            profile,
            Degraded: _random.Next(50) == 0,
            Available: _random.Next(50) != 0,
            Trust: Math.Clamp(0.75 + (0.12 * NextGaussian()), 0.02, 0.99),
            Load: _random.Next(8) == 0 ? maxParallel : _random.Next(maxParallel),
            RttMs: _random.Next(20) == 0 ? -1 : (int)Math.Clamp(40 * Math.Exp(0.7 * NextGaussian()), 1, 5_000),
            ServiceMs: _random.Next(5) == 0 ? -1 : (int)Math.Clamp(600 * Math.Exp(0.8 * NextGaussian()), 10, 60_000));
    }

    private MinerProfile NextProfile(int number)
    {
        (double vramGb, string gpu) = s_cards[_random.Next(s_cards.Length)];
        return new MinerProfile
        {
            Addr = $"10.{(number >> 16) & 255}.{(number >> 8) & 255}.{number & 255}:9000",
            Proto = _random.Next(4) == 0 ? "http" : "grpc",
            GpuName = gpu,
            GpuVramGb = vramGb,
            CpuCores = 4 << _random.Next(5),
            RamGb = s_ramGb[_random.Next(s_ramGb.Length)],
            Price = new TokenPrice((long)((0.1 + (1.9 * _random.NextDouble())) * TokenPrice.Unit)),
            MaxParallel = _random.Next(1, 9),
            Region = Region(_random.Next(s_regions.Length)),
            Accel = s_accels[_random.Next(s_accels.Length)],
            Tags = Choose(s_tags, 4),
            Capabilities = [.. Choose(s_tasks, 2), .. Choose(s_models, 4)],
        };
    }

    private string[] Choose(string[] from, int count)
    {
        var chosen = new string[count];
        for (int i = 0; i < count;)
        {
            string next = from[_random.Next(from.Length)];
            if (!chosen.AsSpan(0, i).Contains(next))
            {
                chosen[i++] = next;
            }
        }
        return chosen;
    }

    private double NextGaussian() =>
        Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
