using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace PoolHub.Cli.Shell;

/// <summary>Where the commands write: for people to the console, for programs as JSON.</summary>
internal sealed class Terminal(IAnsiConsole console, TextWriter plain, TextReader input)
{
    /// <summary>Wide enough for every table; what is not a terminal has no edge.</summary>
    private const int WideColumns = 160;

    // This is shown or piped, never put into a web page: a bullet may stay one.
    private static readonly JsonWriterOptions s_readable = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public IAnsiConsole Console => console;
    public TextReader Input => input;

    /// <summary>Whether a display may be drawn over.</summary>
    public bool IsLive => console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi;

    public static Terminal OfThisProcess()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(System.Console.Out) });
        if (System.Console.IsOutputRedirected)
        {
            console.Profile.Width = WideColumns;
            console.Profile.Capabilities.Interactive = false;
        }
        return new Terminal(console, System.Console.Out, System.Console.In);
    }

    public void WriteJson<T>(T value, JsonTypeInfo<T> type)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, s_readable))
        {
            JsonSerializer.Serialize(writer, value, type);
        }
        plain.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
    }

    public void WriteLine(string text) => plain.WriteLine(text);
}
