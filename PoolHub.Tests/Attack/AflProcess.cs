using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Style;
using SharpFuzz;

namespace PoolHub.Tests.Attack;

/// <summary>What afl++ did and found.</summary>
/// <param name="Runs">Inputs that were read.</param>
/// <param name="Ways">Inputs, in hex, that each took a way through the reader which none before had taken, no seed either.</param>
/// <param name="Faults">Inputs, in hex, at which the reader failed or stood still.</param>
internal sealed record AflFindings(long Runs, string[] Ways, string[] Faults);

/// <summary>
/// afl++ attacks the reader of messages. Unlike <see cref="Campaign"/> it sees which way each input takes, by marks that
/// SharpFuzz puts into a copy of PoolHub.Protocol, and goes on from those that took a new one.
/// </summary>
internal static class AflProcess
{
    public const string Verb = "read-for-afl";

    /// <param name="duration">How long it goes on.</param>
    /// <param name="mostBytes">The reader fails at longer inputs.</param>
    public static async Task<AflFindings> RunAsync(TimeSpan duration, int mostBytes = int.MaxValue)
    {
        string dir = Directory.CreateTempSubdirectory("poolhub-afl-").FullName;
        try
        {
            string programs = Path.Combine(dir, "programs"), seeds = Path.Combine(dir, "seeds"), found = Path.Combine(dir, "found");
            await RunAsync("cp", ["-r", AppContext.BaseDirectory, programs]);
            await RunAsync("dotnet", ["tool", "run", "sharpfuzz", "--", Path.Combine(programs, "PoolHub.Protocol.dll")]);
            _ = Directory.CreateDirectory(seeds);
            foreach ((int i, Specimen seed) in WireCorpus.Messages.Index())
            {
                await File.WriteAllBytesAsync(Path.Combine(seeds, Text(i)), seed.Bytes);
            }
            await RunAsync(
                "afl-fuzz",
                [
                    "-i", seeds, "-o", found, "-V", Text(duration.TotalSeconds), "-t", "10000", "-m", "none",
                    "--", Path.Combine(programs, "PoolHub.Tests"), Verb, Text(mostBytes),
                ]);
            string results = Path.Combine(found, "default");
            string[] stats = await File.ReadAllLinesAsync(Path.Combine(results, "fuzzer_stats"));
            string runs = stats.Single(line => line.StartsWith("execs_done", StringComparison.Ordinal)).Split(':')[1];
            return new AflFindings(
                long.Parse(runs, CultureInfo.InvariantCulture),
                [.. Inputs(results, "queue").Where(input => !input.Name.Contains("orig", StringComparison.Ordinal)).Select(input => input.Hex)],
                [.. Inputs(results, "crashes").Concat(Inputs(results, "hangs")).Select(input => input.Hex)]);
        }
        finally
        {
            Directory.Delete(dir, recursive: true);
        }
    }

    /// <summary>The process that reads what afl++ gives it.</summary>
    public static int Main(string[] args)
    {
        // Nothing of PoolHub.Protocol may run before the marks have somewhere to go.
        int mostBytes = int.Parse(args[0], CultureInfo.InvariantCulture);
        using var target = new MessageReading();
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var all = new MemoryStream();
            stream.CopyTo(all);
            byte[] input = all.ToArray();
            object? accepted = target.Take(input);
            target.Check(input, accepted);
            Assert.True(input.Length <= mostBytes, $"more than {mostBytes} bytes");
        });
        return 0;
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static IEnumerable<(string Name, string Hex)> Inputs(string results, string kind) =>
        Directory.EnumerateFiles(Path.Combine(results, kind), "id:*").Select(file => (Path.GetFileName(file), Convert.ToHexStringLower(File.ReadAllBytes(file))));

    /// <summary>Runs a program to its end, which must be a good one.</summary>
    private static async Task RunAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Sources.Root, RedirectStandardError = true, RedirectStandardOutput = true };
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)
        [
            ("DOTNET_ROOT", Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."))),
            // Its reader is no program that it has built itself, and its screen is nobody's to see.
            ("AFL_SKIP_BIN_CHECK", "1"), ("AFL_NO_UI", "1"),
            // What the machine does with a core, and how its clock is governed, is the owner's affair.
            ("AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1"), ("AFL_SKIP_CPUFREQ", "1"), ("AFL_NO_AFFINITY", "1"),
        ])
        {
            start.Environment[name] = value;
        }
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}:\n{await output}\n{errors}");
    }
}
