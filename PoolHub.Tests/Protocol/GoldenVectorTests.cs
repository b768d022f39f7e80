using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>
/// The bytes of the protocol are these, whatever the code says. golden-vectors.json is also what other languages test
/// themselves against.
/// </summary>
public sealed class GoldenVectorTests
{
    private const string HowToRenew = """
        golden-vectors.json and the codec no longer agree.
        A vector of a released protocol version must never change: miners in the field speak those bytes. If you changed a
        message by mistake, undo it. New vectors (a new message, a new optional element at the end) are added with
            POOLHUB_RENEW_GOLDEN=1 dotnet run --project PoolHub.Tests -- --filter-class "*GoldenVectorTests"
        which refuses to change a vector that is there. Only when the protocol version was never released, or together with
        a new version number, delete the vector from the file first; then renew, and read the difference line by line.
        """;

    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void GoldenVectors_file_holds_exactly_the_vectors_of_the_codec()
    {
        string path = SourcePath();
        JsonArray wanted = GoldenVectors.ToJson();
        if (Environment.GetEnvironmentVariable("POOLHUB_RENEW_GOLDEN") == "1")
        {
            foreach (JsonNode? old in File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path))!.AsArray() : [])
            {
                JsonNode? kept = wanted.SingleOrDefault(it => (string?)it!["name"] == (string?)old!["name"]);
                Assert.True(JsonNode.DeepEquals(old, kept), $"{old!["name"]} would change. {HowToRenew}");
            }
            File.WriteAllText(path, Format(wanted));
        }
        Assert.True(File.Exists(path), HowToRenew);
        Assert.True(File.ReadAllText(path) == Format(wanted), HowToRenew);
    }

    [Theory]
    [MemberData(nameof(GoldenVectors.Names), MemberType = typeof(GoldenVectors))]
    public void GoldenVector_is_read_as_its_message(string name)
    {
        GoldenVector vector = GoldenVectors.Named(name);
        (object? message, string? field, string? problem) = AnyMessage.Read(vector.Body);
        Assert.Null(field);
        Assert.Null(problem);
        // Records compare arrays by identity, so the messages are compared by what is written of them.
        Assert.Equal(AnyMessage.Write(vector.Message), AnyMessage.Write(message!));
    }

    [Theory]
    [MemberData(nameof(GoldenVectors.Names), MemberType = typeof(GoldenVectors))]
    public void GoldenVector_that_is_canonical_is_written_as_its_bytes(string name)
    {
        GoldenVector vector = GoldenVectors.Named(name);
        Assert.Equal(vector.Canonical, AnyMessage.Write(vector.Message).AsSpan().SequenceEqual(vector.Body));
    }

    [Fact]
    public void GoldenVectors_cover_every_message_and_every_command()
    {
        Assert.Equal(Enum.GetValues<MessageNumber>(), GoldenVectors.All.Select(it => it.Number).Distinct().Order());
        Assert.Equal(
            Enum.GetValues<CommandKind>(),
            GoldenVectors.All.Select(it => it.Message).OfType<Command>().Select(it => it.Kind).Where(Enum.IsDefined).Distinct().Order());
        Assert.Equal(GoldenVectors.All.Count, GoldenVectors.All.Select(it => it.Name).Distinct().Count());
    }

    /// <summary>One vector a line keeps the file short and its differences readable.</summary>
    private static string Format(JsonArray vectors)
    {
        var text = new StringBuilder("[\n");
        for (int i = 0; i < vectors.Count; i++)
        {
            _ = text.Append("  ").Append(vectors[i]!.ToJsonString(s_readable)).Append(i < vectors.Count - 1 ? ",\n" : "\n");
        }
        return text.Append("]\n").ToString();
    }

    private static string SourcePath([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "golden-vectors.json");
}
