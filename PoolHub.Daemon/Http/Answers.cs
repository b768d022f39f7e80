using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Http;

/// <summary>Answers: JSON bodies and RFC 9457 problem details.</summary>
internal static class Answers
{
    private const int PieceBytes = 32_768;

    /// <summary>Bodies are no HTML: what people are meant to read is not escaped.</summary>
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task JsonAsync<T>(this HttpResponse response, T body, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        return WriteAsync(response, body, type);
    }

    /// <summary>
    /// Answers 200 with JSON that is written already; the memory may be used again when the task is over. Its content type
    /// says enough: browsers do not sniff at application/json, and a header that Kestrel does not know costs a match.
    /// </summary>
    public static async ValueTask JsonAsync(this HttpResponse response, ReadOnlyMemory<byte> utf8)
    {
        response.ContentType = "application/json";
        await response.WriteAllAsync(utf8);
    }

    /// <summary>
    /// Sends a piece of JSON whose length is not known yet, and waits until its reader has taken about as much. The memory
    /// may be used again when the task is over.
    /// </summary>
    /// <returns>False when nobody reads any more.</returns>
    public static async ValueTask<bool> JsonPieceAsync(this HttpResponse response, ReadOnlyMemory<byte> utf8)
    {
        if (!response.HasStarted)
        {
            response.ContentType ??= "application/json";
        }
        while (utf8.Length > 0 && !response.HttpContext.RequestAborted.IsCancellationRequested)
        {
            ReadOnlyMemory<byte> piece = utf8[..Math.Min(PieceBytes, utf8.Length)];
            if ((await response.BodyWriter.WriteAsync(piece)).IsCompleted)
            {
                return false;
            }
            utf8 = utf8[piece.Length..];
        }
        return utf8.Length == 0;
    }

    /// <summary>
    /// Sends a whole body. A long one goes in pieces, each after the reader has taken the one before, so that it is not
    /// copied whole; how many of them may wait has a limit, beyond which 429 or 503 is answered.
    /// </summary>
    public static async ValueTask WriteAllAsync(this HttpResponse response, ReadOnlyMemory<byte> body)
    {
        if (body.Length <= AnswerBudget.Free)
        {
            response.ContentLength = body.Length;
            await response.BodyWriter.WriteAsync(body);
            return;
        }
        HttpContext http = response.HttpContext;
        string caller = AnswerBudget.CallerOf(http);
        AnswerBudget budget = http.RequestServices.GetRequiredService<AnswerBudget>();
        if (budget.Take(caller, body.Length) is { } status)
        {
            await response.ProblemAsync(status, "too many long answers wait for their readers", retryAfterSec: 1);
            return;
        }
        try
        {
            response.ContentLength = body.Length;
            _ = await response.JsonPieceAsync(body);
        }
        finally
        {
            budget.Return(caller, body.Length);
        }
    }

    public static Task ProblemAsync(this HttpResponse response, int status, string detail, string? field = null, int? retryAfterSec = null)
    {
        response.StatusCode = status;
        response.ContentType = "application/problem+json";
        if (retryAfterSec is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }
        if (status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }
        return WriteAsync(response, new Problem
        {
            Type = "about:blank",
            Title = Title(status),
            Status = status,
            Detail = detail,
            Field = field,
            RetryAfterSec = retryAfterSec,
        }, HubJson.Default.Problem);
    }

    /// <summary>Answers 429, and after how long to ask again: in whole seconds, at least one.</summary>
    /// <param name="closes">Whether the connection ends with it, so that who goes on needs a new one each time.</param>
    public static Task TooManyAsync(this HttpResponse response, string detail, TimeSpan wait, bool closes = false)
    {
        if (closes)
        {
            response.Headers.Connection = "close";
        }
        return response.ProblemAsync(
            StatusCodes.Status429TooManyRequests, detail, retryAfterSec: Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)));
    }

    public static Task BadFieldAsync(this HttpResponse response, (string Field, string Problem) fault) =>
        response.ProblemAsync(StatusCodes.Status400BadRequest, $"{fault.Field} {fault.Problem}", fault.Field);

    private static async Task WriteAsync<T>(HttpResponse response, T body, JsonTypeInfo<T> type)
    {
        ArrayBufferWriter<byte> utf8 = new();
        await using (var json = new Utf8JsonWriter(utf8, s_json))
        {
            JsonSerializer.Serialize(json, body, type);
        }
        // Some of it is text that strangers chose, unescaped: no browser is to take it for a page.
        response.Headers.XContentTypeOptions = "nosniff";
        await response.WriteAllAsync(utf8.WrittenMemory);
    }

    private static string Title(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "Bad request",
        StatusCodes.Status401Unauthorized => "Unauthorized",
        StatusCodes.Status403Forbidden => "Forbidden",
        StatusCodes.Status404NotFound => "Not found",
        StatusCodes.Status405MethodNotAllowed => "Method not allowed",
        StatusCodes.Status409Conflict => "Conflict",
        StatusCodes.Status410Gone => "Gone",
        StatusCodes.Status413PayloadTooLarge => "Payload too large",
        StatusCodes.Status429TooManyRequests => "Too many requests",
        StatusCodes.Status503ServiceUnavailable => "Service unavailable",
        _ => "Error",
    };
}
