using System.Buffers;
using System.Text.Json;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Reads a match request as coordinators usually write it, in a third of the serializer's time. Whatever is unusual (an
/// escaped name, a null, a number out of range, no JSON at all) is left to the serializer, which also says what is wrong.
/// </summary>
internal static class MatchRequestReader
{
    /// <summary>The request as the serializer would read it; null when that must do it.</summary>
    public static MatchRequest? TryRead(ReadOnlySequence<byte> utf8)
    {
        try
        {
            var reader = new Utf8JsonReader(utf8);
            return reader.Read() && TryRead(ref reader, out MatchRequest? request) && !reader.Read() ? request : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second one is for texts that are no UTF-8.
            return null;
        }
    }

    private static bool TryRead(ref Utf8JsonReader reader, out MatchRequest? request)
    {
        string? jobId = null, weights = null, spreadBy = null, explain = null;
        MatchRequirements? requirements = null;
        MatchHints? hints = null;
        string[]? exclude = null;
        int? topK = null, holdMs = null;
        request = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }
        while (TryReadName(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("job_id"u8) ? TryRead(ref reader, out jobId)
                : name.SequenceEqual("requirements"u8) ? TryRead(ref reader, out requirements)
                : name.SequenceEqual("hints"u8) ? TryRead(ref reader, out hints)
                : name.SequenceEqual("top_k"u8) ? TryRead(ref reader, out topK)
                : name.SequenceEqual("weights"u8) ? TryRead(ref reader, out weights)
                : name.SequenceEqual("exclude"u8) ? TryRead(ref reader, out exclude)
                : name.SequenceEqual("spread_by"u8) ? TryRead(ref reader, out spreadBy)
                : name.SequenceEqual("explain"u8) ? TryRead(ref reader, out explain)
                : name.SequenceEqual("hold_ms"u8) && TryRead(ref reader, out holdMs)))
            {
                return false;
            }
        }
        request = new MatchRequest
        {
            JobId = jobId,
            Requirements = requirements,
            Hints = hints,
            TopK = topK,
            Weights = weights,
            Exclude = exclude,
            SpreadBy = spreadBy,
            Explain = explain,
            HoldMs = holdMs,
        };
        return reader.TokenType == JsonTokenType.EndObject;
    }

    private static bool TryRead(ref Utf8JsonReader reader, out MatchRequirements? requirements)
    {
        string? task = null;
        double? minVramGb = null, minRamGb = null;
        string[]? accel = null, tagsAny = null, capabilitiesAny = null;
        requirements = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }
        while (TryReadName(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("task"u8) ? TryRead(ref reader, out task)
                : name.SequenceEqual("min_vram_gb"u8) ? TryRead(ref reader, out minVramGb)
                : name.SequenceEqual("min_ram_gb"u8) ? TryRead(ref reader, out minRamGb)
                : name.SequenceEqual("accel"u8) ? TryRead(ref reader, out accel)
                : name.SequenceEqual("tags_any"u8) ? TryRead(ref reader, out tagsAny)
                : name.SequenceEqual("capabilities_any"u8) && TryRead(ref reader, out capabilitiesAny)))
            {
                return false;
            }
        }
        requirements = new MatchRequirements
        {
            Task = task,
            MinVramGb = minVramGb,
            MinRamGb = minRamGb,
            Accel = accel,
            TagsAny = tagsAny,
            CapabilitiesAny = capabilitiesAny,
        };
        return reader.TokenType == JsonTokenType.EndObject;
    }

    private static bool TryRead(ref Utf8JsonReader reader, out MatchHints? hints)
    {
        string? region = null;
        TokenPrice? maxPrice = null;
        int? deadlineMs = null;
        hints = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }
        while (TryReadName(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("region"u8) ? TryRead(ref reader, out region)
                : name.SequenceEqual("max_price"u8) ? TryRead(ref reader, out maxPrice)
                : name.SequenceEqual("deadline_ms"u8) && TryRead(ref reader, out deadlineMs)))
            {
                return false;
            }
        }
        hints = new MatchHints { Region = region, MaxPrice = maxPrice, DeadlineMs = deadlineMs };
        return reader.TokenType == JsonTokenType.EndObject;
    }

    /// <summary>Moves from an object's start, or a value in it, to the next value; false at its end.</summary>
    private static bool TryReadName(ref Utf8JsonReader reader, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (!reader.Read() || reader.TokenType != JsonTokenType.PropertyName)
        {
            return false;
        }
        // An escaped name, or one that lies in two pieces, is equal to none.
        name = reader.HasValueSequence ? default : reader.ValueSpan;
        return reader.Read();
    }

    private static bool TryRead(ref Utf8JsonReader reader, out string? text)
    {
        text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return text is not null;
    }

    private static bool TryRead(ref Utf8JsonReader reader, out string[]? texts)
    {
        texts = null;
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }
        Utf8JsonReader ahead = reader;
        int count = 0;
        while (ahead.Read() && ahead.TokenType == JsonTokenType.String)
        {
            count++;
        }
        if (ahead.TokenType != JsonTokenType.EndArray)
        {
            return false;
        }
        texts = new string[count];
        for (int i = 0; i < count; i++)
        {
            _ = reader.Read();
            texts[i] = reader.GetString()!;
        }
        return reader.Read();
    }

    private static bool TryRead(ref Utf8JsonReader reader, out int? number)
    {
        number = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value) ? value : null;
        return number is not null;
    }

    private static bool TryRead(ref Utf8JsonReader reader, out double? number)
    {
        number = reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double value) ? value : null;
        return number is not null;
    }

    private static bool TryRead(ref Utf8JsonReader reader, out TokenPrice? price)
    {
        price = reader.TokenType == JsonTokenType.Number
            && reader.TryGetDecimal(out decimal tokens)
            && TokenPrice.TryFromTokens(tokens, out TokenPrice value) ? value : null;
        return price is not null;
    }
}
