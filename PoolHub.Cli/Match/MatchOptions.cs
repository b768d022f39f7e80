using System.CommandLine;
using System.Text.Json;
using PoolHub.Cli.Shell;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Match;

/// <summary>A match request as flags of the command line, or as a file.</summary>
internal sealed class MatchOptions
{
    private readonly Option<string?> _jobId = new("--job-id") { Description = "The job's id [default: a new one]", HelpName = "id" };
    private readonly Option<string?> _task = new("--task") { Description = "Only miners that run this task.", HelpName = "name" };
    private readonly Option<double?> _minVram = new("--min-vram") { Description = "GPU memory at least, GB.", HelpName = "gb" };
    private readonly Option<double?> _minRam = new("--min-ram") { Description = "Memory at least, GB.", HelpName = "gb" };
    private readonly Option<string[]> _accel = List("--accel", "One of these accelerators: cuda, rocm, oneapi, …", "name");
    private readonly Option<string[]> _tags = List("--tag", "At least one of these tags.", "tag");
    private readonly Option<string[]> _capabilities = List("--capability", "At least one of these capabilities.", "name");
    private readonly Option<string?> _region = new("--region") { Description = "This region or one within: eu holds eu-west-1.", HelpName = "name" };
    private readonly Option<decimal?> _maxPrice = new("--max-price") { Description = "Tokens per 1,000 s at most.", HelpName = "tokens" };
    private readonly Option<int?> _deadlineMs = new("--deadline-ms") { Description = "The job must be done in this time, ms.", HelpName = "ms" };
    private readonly Option<int?> _topK = new("--top-k") { Description = "How many candidates, 1 to 100 [default: 3]", HelpName = "count" };
    private readonly Option<string?> _weights = new("--weights") { Description = "Weight profile: default, cheapest, fastest, spread, or the hub's own.", HelpName = "profile" };
    private readonly Option<string[]> _exclude = List("--exclude", "None of these miners.", "id");
    private readonly Option<string?> _spreadBy = new Option<string?>("--spread-by") { Description = "No two candidates of the same region or owner." }
        .AcceptOnlyFromAmong("region", "owner");
    private readonly Option<int?> _holdMs = new("--hold-ms") { Description = "Hold one slot of each candidate for so long, 0 to 600000 ms [default: as the hub is set]", HelpName = "ms" };
    private readonly Option<string?> _file = new("--file") { Description = "The whole request as JSON, - for standard input; instead of the flags above.", HelpName = "path" };

    private Option[] Flags =>
    [
        _jobId, _task, _minVram, _minRam, _accel, _tags, _capabilities, _region, _maxPrice, _deadlineMs, _topK, _weights,
        _exclude, _spreadBy, _holdMs,
    ];

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[.. Flags, _file])
        {
            command.Add(option);
        }
    }

    /// <summary>The first of these options that is on the line, if any is.</summary>
    public Option? FindGiven(ParseResult line) => Array.Find([.. Flags, _file], option => IsGiven(line, option));

    /// <exception cref="CliException">The flags or the file make no request.</exception>
    public MatchRequest Read(ParseResult line, TextReader input, bool explain)
    {
        MatchRequest request = line.GetValue(_file) is { } file ? FromFile(line, file, input) : FromFlags(line);
        return explain ? request with { Explain = "full" } : request;
    }

    private MatchRequest FromFlags(ParseResult line)
    {
        if (line.GetValue(_topK) is < 1 or > Limits.MaxTopK)
        {
            throw CliException.Usage($"--top-k must be from 1 to {Limits.MaxTopK}.");
        }
        if (line.GetValue(_holdMs) is < 0 or > Limits.MaxHoldMs)
        {
            throw CliException.Usage($"--hold-ms must be from 0 to {Limits.MaxHoldMs}.");
        }
        return new MatchRequest
        {
            JobId = line.GetValue(_jobId) ?? Guid.NewGuid().ToString(),
            Requirements = new MatchRequirements
            {
                Task = line.GetValue(_task),
                MinVramGb = line.GetValue(_minVram),
                MinRamGb = line.GetValue(_minRam),
                Accel = Terms(line.GetValue(_accel)),
                TagsAny = Terms(line.GetValue(_tags)),
                CapabilitiesAny = Terms(line.GetValue(_capabilities)),
            },
            Hints = new MatchHints
            {
                Region = line.GetValue(_region),
                MaxPrice = Prices.Read(line.GetValue(_maxPrice), _maxPrice.Name),
                DeadlineMs = line.GetValue(_deadlineMs),
            },
            TopK = line.GetValue(_topK),
            Weights = line.GetValue(_weights),
            Exclude = Terms(line.GetValue(_exclude)),
            SpreadBy = line.GetValue(_spreadBy),
            HoldMs = line.GetValue(_holdMs),
        };
    }

    private MatchRequest FromFile(ParseResult line, string file, TextReader input)
    {
        if (Array.Find(Flags, option => IsGiven(line, option)) is { } flag)
        {
            throw CliException.Usage($"--file is the whole request: leave out {flag.Name}, or write it into the file.");
        }
        try
        {
            string json = file == "-" ? input.ReadToEnd() : File.ReadAllText(file);
            MatchRequest request = JsonSerializer.Deserialize(json, HubJson.Default.MatchRequest)
                ?? throw new JsonException("it is null");
            return request.JobId is null ? request with { JobId = Guid.NewGuid().ToString() } : request;
        }
        catch (JsonException e)
        {
            throw CliException.Usage($"{(file == "-" ? "The standard input" : file)} is no match request: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"The request cannot be read: {e.Message}", e);
        }
    }

    private static bool IsGiven(ParseResult line, Option option) => line.GetResult(option) is { Implicit: false };

    private static Option<string[]> List(string name, string description, string helpName) => new(name)
    {
        Description = $"{description} Give it several times, or separate by commas.",
        HelpName = helpName,
    };

    /// <summary>Null when there is none, so that the clause is absent and not empty.</summary>
    private static string[]? Terms(string[]? given)
    {
        string[] terms =
        [
            .. (given ?? []).SelectMany(
                text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
        ];
        return terms.Length > 0 ? terms : null;
    }
}
