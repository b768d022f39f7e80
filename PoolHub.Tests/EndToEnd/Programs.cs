using System.Runtime.CompilerServices;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Where the programs are that ./build has made.</summary>
internal static class Programs
{
    public static string Daemon => Find("POOLHUB_TEST_DAEMON", "poolhubd");
    public static string Cli => Find("POOLHUB_TEST_CLI", "poolhub");

    public const string Python = "/usr/bin/python3";

    public static string Example(string script) => Path.Combine(Repository(), "examples", "python", script);

    /// <summary>Runs a program to its end.</summary>
    public static async Task<FinishedProgram> RunAsync(
        string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var process = ChildProcess.Start(program, arguments, environment);
        int status = await process.ExitAsync();
        return new FinishedProgram(status, process.Output, process.Errors);
    }

    private static string Find(string variable, string name)
    {
        string path = Environment.GetEnvironmentVariable(variable) is { Length: > 0 } given
            ? given
            : Path.Combine(Repository(), "out", name);
        Assert.True(File.Exists(path), $"{path} is not there: the end-to-end tests need the built programs. Run ./test.");
        return path;
    }

    private static string Repository([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}

internal sealed record FinishedProgram(int Status, string[] OutputLines, string[] ErrorLines)
{
    public string Output => string.Join('\n', OutputLines);
    public string Errors => string.Join('\n', ErrorLines);

    /// <summary>For the message of a failed assertion.</summary>
    public override string ToString() => $"status {Status}\n{Output}\n{Errors}";
}
