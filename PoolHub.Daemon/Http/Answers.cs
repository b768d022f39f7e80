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
        response.ContentLength = utf8.Length;
        await response.BodyWriter.WriteAsync(utf8);
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
        response.ContentLength = utf8.WrittenCount;
        // Some of it is text that strangers chose, unescaped: no browser is to take it for a page.
        response.Headers.XContentTypeOptions = "nosniff";
        await response.BodyWriter.WriteAsync(utf8.WrittenMemory);
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
