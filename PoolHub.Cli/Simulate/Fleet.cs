using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PoolHub.Protocol;

namespace PoolHub.Cli.Simulate;

/// <summary>
/// Makes up miners. The same seed gives the same fleet, and miner number i does not depend on how many there are. Keys
/// come from the seed too: they are as weak as it, and meant for hubs that are tried out.
/// </summary>
/// <param name="transport">The transport of all, or null for a mix of three.</param>
internal sealed class Fleet(int seed, FleetProfile kind = FleetProfile.Mixed, FleetTransport? transport = null, string prefix = "sim-")
{
    private static readonly string[] Regions =
        ["eu-west-1", "eu-west-2", "eu-central-1", "eu-north-1", "us-east-1", "us-east-2", "us-west-2", "ap-south-1", "ap-northeast-1"];

    private static readonly string[] Models =
    [
        "sentence-transformers/all-MiniLM-L6-v2", "openai/whisper-large-v3", "stabilityai/stable-diffusion-xl-base-1.0",
        "meta-llama/Llama-3.1-8B-Instruct", "mistralai/Mistral-7B-Instruct-v0.3", "BAAI/bge-m3",
    ];

    /// <summary>Too big for a desktop card.</summary>
    private static readonly string[] LargeModels = ["meta-llama/Llama-3.1-70B-Instruct", "mistralai/Mixtral-8x7B-Instruct-v0.1"];

    private static readonly string[] Tasks =
        ["task:image_embedding", "task:text_generation", "task:transcription", "task:image_generation", "task:video_encoding"];

    private static readonly string[] Owners =
        ["aurora-compute", "borealis", "cinder-labs", "deepwell", "evergreen-farm", "foundry", "gridworks", "hearth"];

    private readonly byte[] _keySeed = SHA256.HashData(Encoding.UTF8.GetBytes($"poolhub fleet {seed}"));

    public FleetMiner[] Take(int count) => [.. Enumerable.Range(0, count).Select(Miner)];

    public FleetMiner Miner(int index)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"{prefix}{index:D4}");
        var random = new Random(BitConverter.ToInt32(HMACSHA256.HashData(_keySeed, Encoding.UTF8.GetBytes($"draw {index}"))));
        bool server = kind switch
        {
            FleetProfile.Small => false,
            FleetProfile.Datacenter => true,
            _ => random.NextDouble() < 0.3,
        };
        GpuCard card = Pick(random, server ? GpuCard.Datacenter : GpuCard.Desktop);
        int cards = server ? 1 << random.Next(4) : 1;
        string region = Pick(random, Regions);
        FleetTransport how = transport ?? (index % 10) switch
        {
            < 6 => FleetTransport.Tcp,
            < 9 => FleetTransport.Ws,
            _ => FleetTransport.Http,
        };
        var profile = new MinerProfile
        {
            Addr = string.Create(
                CultureInfo.InvariantCulture, $"10.{(index >> 16) & 255}.{(index >> 8) & 255}.{index & 255}:50051"),
            Proto = random.NextDouble() < 0.8 ? "grpc" : "http",
            GpuName = card.Name,
            GpuVramGb = card.VramGb,
            CpuCores = (server ? 16 : 8) << random.Next(3),
            RamGb = Math.Max(16, card.VramGb * cards * (1 + random.Next(2))),
            Price = Price(card.Price, random),
            MaxParallel = server ? cards * 2 : 1 + random.Next(2),
            Region = region,
            Accel = card.Accel == "cuda" && random.NextDouble() < 0.3 ? ["cuda", "vulkan"] : [card.Accel],
            Tags = Tags(region, server, random),
            Capabilities = Capabilities(card.VramGb, random),
            Owner = random.NextDouble() < 0.9 ? Pick(random, Owners) : "",
        };
        int jobMs = (int)Math.Clamp(450 / card.Speed * (0.7 + (0.6 * random.NextDouble())), 20, 10_000);
        return new FleetMiner(id, Key(id), profile, how, jobMs, 0.2 + random.NextDouble(), random.Next());
    }

    private string Key(string minerId) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_keySeed, Encoding.UTF8.GetBytes($"key {minerId}")));

    /// <summary>Within a quarter of the card's usual price, in steps of a hundredth.</summary>
    private static TokenPrice Price(decimal usual, Random random)
    {
        decimal tokens = Math.Round(usual * (0.75m + (0.5m * (decimal)random.NextDouble())), 2);
        return TokenPrice.TryFromTokens(tokens, out TokenPrice price) ? price : TokenPrice.Max;
    }

    private static string[] Tags(string region, bool server, Random random)
    {
        List<string> tags = [region[..region.LastIndexOf('-')], server ? "datacenter" : "desktop"];
        if (random.NextDouble() < 0.35)
        {
            tags.Add("low-latency");
        }
        if (random.NextDouble() < 0.2)
        {
            tags.Add("spot");
        }
        if (server && random.NextDouble() < 0.5)
        {
            tags.Add("ecc");
        }
        return [.. tags];
    }

    /// <summary>Two or three models that fit into memory; half of the miners also declare their tasks.</summary>
    private static string[] Capabilities(double vramGb, Random random)
    {
        string[] models = [.. Models];
        random.Shuffle(models);
        List<string> capabilities = [.. models.Take(2 + random.Next(2))];
        if (vramGb >= 48)
        {
            capabilities.Add(Pick(random, LargeModels));
        }
        if (random.NextDouble() < 0.5)
        {
            string[] tasks = [.. Tasks];
            random.Shuffle(tasks);
            capabilities.AddRange(tasks.Take(2 + random.Next(3)));
        }
        return [.. capabilities];
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
