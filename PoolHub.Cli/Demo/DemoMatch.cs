using PoolHub.Cli.Simulate;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Demo;

/// <summary>A job that the demo finds miners for.</summary>
/// <param name="Flags">The same request as a command line.</param>
internal sealed record DemoMatch(string Job, string Flags, MatchRequest Request)
{
    public static readonly DemoMatch[] All =
    [
        new(
            "Embed images: a CUDA card with 8 GB somewhere in Europe, for at most 0.8 tokens",
            "--task image_embedding --min-vram 8 --accel cuda --region eu --max-price 0.8",
            new MatchRequest
            {
                JobId = "demo-embed",
                Requirements = new MatchRequirements { Task = "image_embedding", MinVramGb = 8, Accel = ["cuda"] },
                Hints = new MatchHints { Region = "eu", MaxPrice = Tokens(0.8m) },
                TopK = 3,
                Explain = "full",
            }),
        new(
            "Serve a large language model: 80 GB and the model at hand, the fastest wherever it is",
            "--min-vram 80 --capability meta-llama/Llama-3.1-70B-Instruct --weights fastest",
            new MatchRequest
            {
                JobId = "demo-llm",
                Requirements = new MatchRequirements
                {
                    MinVramGb = 80,
                    CapabilitiesAny = ["meta-llama/Llama-3.1-70B-Instruct"],
                },
                Weights = "fastest",
                TopK = 3,
                Explain = "full",
            }),
        new(
            "Transcribe speech overnight: 12 GB anywhere, the cheapest first, five of them",
            "--task transcription --min-vram 12 --capability openai/whisper-large-v3 --weights cheapest --top-k 5",
            new MatchRequest
            {
                JobId = "demo-speech",
                Requirements = new MatchRequirements
                {
                    Task = "transcription",
                    MinVramGb = 12,
                    CapabilitiesAny = ["openai/whisper-large-v3"],
                },
                Weights = "cheapest",
                TopK = 5,
                Explain = "full",
            }),
    ];

    /// <summary>
    /// What is wrong with the hub's answer by the miners' own word; null when it is right. It does not ask the hub.
    /// </summary>
    public string? FindFault(MatchResponse answer, IReadOnlyDictionary<string, FleetMiner> fleet)
    {
        if (answer.Candidates.Length == 0)
        {
            return $"nobody was found ({answer.Explain})";
        }
        for (int i = 0; i < answer.Candidates.Length; i++)
        {
            Candidate candidate = answer.Candidates[i];
            if (!fleet.TryGetValue(candidate.MinerId, out FleetMiner? miner))
            {
                return $"{candidate.MinerId} is no miner of this demo";
            }
            if (FindBreach(miner.Profile) is { } breach)
            {
                return $"{candidate.MinerId} should not be offered: {breach}";
            }
            if (i > 0 && candidate.Score > answer.Candidates[i - 1].Score && candidate.Degraded is null)
            {
                return $"{candidate.MinerId} stands below one with a lower score";
            }
        }
        return null;
    }

    private string? FindBreach(MinerProfile profile)
    {
        MatchRequirements needs = Request.Requirements!;
        MatchHints? hints = Request.Hints;
        string[] tasks = [.. profile.Capabilities.Where(name => name.StartsWith("task:", StringComparison.Ordinal))];
        return this switch
        {
            _ when profile.GpuVramGb < (needs.MinVramGb ?? 0) => "too little memory",
            _ when needs.Accel is { } accel && !accel.Intersect(profile.Accel).Any() => "another accelerator",
            _ when needs.CapabilitiesAny is { } any && !any.Intersect(profile.Capabilities).Any() => "it lacks the capability",
            _ when needs.Task is { } task && tasks.Length > 0 && !tasks.Contains("task:" + task) => "it does not run the task",
            _ when hints?.Region is { } region && !$"{profile.Region}-".StartsWith(region + "-", StringComparison.Ordinal) => "another region",
            _ when hints?.MaxPrice is { } price && profile.Price > price => "too dear",
            _ => null,
        };
    }

    private static TokenPrice Tokens(decimal tokens) =>
        TokenPrice.TryFromTokens(tokens, out TokenPrice price) ? price : TokenPrice.Max;
}
