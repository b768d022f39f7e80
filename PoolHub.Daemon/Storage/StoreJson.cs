using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PoolHub.Daemon.Storage.Spool;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Storage;

/// <summary>Lists of texts as the tables keep them, and the lines of the spool and of an export.</summary>
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(SpoolEntry[]))]
[JsonSerializable(typeof(ArchiveLine))]
internal sealed partial class StoreJson : JsonSerializerContext
{
    /// <summary>Only people and SQL read it, never a browser: what is not ASCII stays readable.</summary>
    private static readonly StoreJson s_readable =
        new(new JsonSerializerOptions
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Converters = { new TokenPriceConverter() },
        });

    public static StoreJson Readable => s_readable;

    public static string Write(string[] terms) =>
        terms.Length == 0 ? "[]" : JsonSerializer.Serialize(terms, s_readable.StringArray);

    public static string[] Read(string json) =>
        json == "[]" ? [] : JsonSerializer.Deserialize(json, s_readable.StringArray) ?? [];
}
