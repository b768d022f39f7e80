using System.Buffers;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Reads a match request as coordinators usually write it, several times faster than the serializer. Whatever is unusual
/// is left to that one, which also says what is wrong.
/// </summary>
internal static class MatchRequestReader
{
    /// <summary>The request as the serializer would read it; null when that must do it.</summary>
    public static MatchRequest? TryRead(ReadOnlySequence<byte> utf8) => Whole(utf8, static body =>
    {
        var json = new PlainJson(body);
        MatchRequest request = ReadRequest(ref json);
        return json.TryEnd() ? request : null;
    });

    /// <summary>The same for many in one body.</summary>
    public static BatchRequest? TryReadBatch(ReadOnlySequence<byte> utf8) => Whole(utf8, static body =>
    {
        var json = new PlainJson(body);
        MatchRequest[]? requests = null;
        json.BeginObject();
        while (json.TryField(out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("requests"u8))
            {
                requests = ReadRequests(ref json);
            }
            else
            {
                json.Fail();
            }
        }
        return json.TryEnd() ? new BatchRequest { Requests = requests } : null;
    });

    /// <summary>Reads a body in one piece, in which most come.</summary>
    private static T? Whole<T>(ReadOnlySequence<byte> utf8, Func<ReadOnlySpan<byte>, T?> read)
    {
        if (utf8.IsSingleSegment)
        {
            return read(utf8.FirstSpan);
        }
        int length = (int)utf8.Length;
        byte[] whole = ArrayPool<byte>.Shared.Rent(length);
        utf8.CopyTo(whole);
        T? value = read(whole.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(whole);
        return value;
    }

    private static MatchRequest[] ReadRequests(ref PlainJson json)
    {
        var requests = new List<MatchRequest>();
        json.BeginArray();
        while (json.TryItem())
        {
            requests.Add(ReadRequest(ref json));
        }
        return [.. requests];
    }

    private static MatchRequest ReadRequest(ref PlainJson json)
    {
        string? jobId = null, weights = null, spreadBy = null, explain = null;
        MatchRequirements? requirements = null;
        MatchHints? hints = null;
        string[]? exclude = null;
        int? topK = null, holdMs = null;
        json.BeginObject();
        while (json.TryField(out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("job_id"u8))
            {
                jobId = json.Text();
            }
            else if (name.SequenceEqual("requirements"u8))
            {
                requirements = ReadRequirements(ref json);
            }
            else if (name.SequenceEqual("hints"u8))
            {
                hints = ReadHints(ref json);
            }
            else if (name.SequenceEqual("top_k"u8))
            {
                topK = json.Whole();
            }
            else if (name.SequenceEqual("weights"u8))
            {
                weights = json.Term();
            }
            else if (name.SequenceEqual("exclude"u8))
            {
                exclude = json.Terms();
            }
            else if (name.SequenceEqual("spread_by"u8))
            {
                spreadBy = json.Term();
            }
            else if (name.SequenceEqual("explain"u8))
            {
                explain = json.Term();
            }
            else if (name.SequenceEqual("hold_ms"u8))
            {
                holdMs = json.Whole();
            }
            else
            {
                json.Fail();
            }
        }
        return new MatchRequest
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
    }

    private static MatchRequirements ReadRequirements(ref PlainJson json)
    {
        string? task = null;
        double? minVramGb = null, minRamGb = null;
        string[]? accel = null, tagsAny = null, capabilitiesAny = null;
        json.BeginObject();
        while (json.TryField(out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("task"u8))
            {
                task = json.Term();
            }
            else if (name.SequenceEqual("min_vram_gb"u8))
            {
                minVramGb = json.Number();
            }
            else if (name.SequenceEqual("min_ram_gb"u8))
            {
                minRamGb = json.Number();
            }
            else if (name.SequenceEqual("accel"u8))
            {
                accel = json.Terms();
            }
            else if (name.SequenceEqual("tags_any"u8))
            {
                tagsAny = json.Terms();
            }
            else if (name.SequenceEqual("capabilities_any"u8))
            {
                capabilitiesAny = json.Terms();
            }
            else
            {
                json.Fail();
            }
        }
        return new MatchRequirements
        {
            Task = task,
            MinVramGb = minVramGb,
            MinRamGb = minRamGb,
            Accel = accel,
            TagsAny = tagsAny,
            CapabilitiesAny = capabilitiesAny,
        };
    }

    private static MatchHints ReadHints(ref PlainJson json)
    {
        string? region = null;
        TokenPrice? maxPrice = null;
        int? deadlineMs = null;
        json.BeginObject();
        while (json.TryField(out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("region"u8))
            {
                region = json.Term();
            }
            else if (name.SequenceEqual("max_price"u8))
            {
                maxPrice = json.Price();
            }
            else if (name.SequenceEqual("deadline_ms"u8))
            {
                deadlineMs = json.Whole();
            }
            else
            {
                json.Fail();
            }
        }
        return new MatchHints { Region = region, MaxPrice = maxPrice, DeadlineMs = deadlineMs };
    }
}
