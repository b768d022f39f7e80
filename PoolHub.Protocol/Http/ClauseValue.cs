using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>
/// What a clause asks for or a miner has: a number, a text or a list of texts. JSON carries it as just that.
/// </summary>
[JsonConverter(typeof(ClauseValueConverter))]
public sealed class ClauseValue
{
    /// <summary>A longer list is cut for people; JSON has it whole.</summary>
    private const int MaxShown = 8;

    private ClauseValue()
    {
    }

    /// <summary>Exactly one of these three is there.</summary>
    public decimal? Number { get; private init; }

    /// <summary>A text, such as a region.</summary>
    public string? Text { get; private init; }

    /// <summary>A list, such as tags.</summary>
    public string[]? Terms { get; private init; }

    /// <summary>A number: a size, a price, a time.</summary>
    public static ClauseValue Of(decimal number) => new() { Number = number };

    /// <summary>A text: a region, a state.</summary>
    public static ClauseValue Of(string text) => new() { Text = text };

    /// <summary>A list of texts: tags, capabilities.</summary>
    public static ClauseValue Of(string[] terms) => new() { Terms = terms };

    /// <summary>For people.</summary>
    public override string ToString() => this switch
    {
        { Number: { } number } => number.ToString(CultureInfo.InvariantCulture),
        { Text: { Length: > 0 } text } => text,
        { Terms: { Length: > MaxShown } many } => $"{string.Join(", ", many[..MaxShown])} and {many.Length - MaxShown} more",
        { Terms: { Length: > 0 } terms } => string.Join(", ", terms),
        _ => "none",
    };
}

/// <summary>Reads and writes a clause's value as the number, text or list that it is.</summary>
public sealed class ClauseValueConverter : JsonConverter<ClauseValue>
{
    /// <inheritdoc/>
    public override ClauseValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Number when reader.TryGetDecimal(out decimal number):
                return ClauseValue.Of(number);
            case JsonTokenType.String:
                return ClauseValue.Of(reader.GetString()!);
            case JsonTokenType.StartArray:
                List<string> terms = [];
                while (reader.Read() && reader.TokenType == JsonTokenType.String)
                {
                    terms.Add(reader.GetString()!);
                }
                if (reader.TokenType == JsonTokenType.EndArray)
                {
                    return ClauseValue.Of([.. terms]);
                }
                break;
            default:
                break;
        }
        throw new JsonException("must be a number, a text or a list of texts");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ClauseValue value, JsonSerializerOptions options)
    {
        if (value.Number is { } number)
        {
            writer.WriteNumberValue(number);
        }
        else if (value.Terms is { } terms)
        {
            writer.WriteStartArray();
            foreach (string term in terms)
            {
                writer.WriteStringValue(term);
            }
            writer.WriteEndArray();
        }
        else
        {
            writer.WriteStringValue(value.Text);
        }
    }
}
