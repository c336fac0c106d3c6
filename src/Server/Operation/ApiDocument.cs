using System.Text.Json.Serialization.Metadata;
using Handwritten.Server.OpenAi;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Handwritten.Server.Operation;

/// <summary>The OpenAPI document: what ASP.NET finds out by itself, where that is not what is sent, put right.</summary>
internal static class ApiDocument
{
    private const string KeyScheme = "key";

    /// <summary>Prepares the document.</summary>
    public static void Configure(OpenApiOptions document)
    {
        document.AddSchemaTransformer<SettingFields>();
        document.AddSchemaTransformer((schema, context, _) =>
        {
            DescribeNumber(schema, context.JsonTypeInfo.Type);
            ReleaseOptional(schema, context.JsonTypeInfo);
            return Task.CompletedTask;
        });
        document.AddDocumentTransformer((whole, _, _) =>
        {
            AskForKey(whole);
            return Task.CompletedTask;
        });
    }

    /// <summary>Says that a success is JSON of any of several types.</summary>
    public static TBuilder ProducesAnyOf<TBuilder>(this TBuilder builder, params Type[] types)
        where TBuilder : IEndpointConventionBuilder => builder.AddOpenApiOperationTransformer(async (operation, context, cancellation) =>
        {
            OpenApiSchema any = new() { AnyOf = [] };
            foreach (Type type in types)
            {
                any.AnyOf.Add(await context.GetOrCreateSchemaAsync(type, parameterDescription: null, cancellation));
            }

            Content(operation)["application/json"] = new OpenApiMediaType { Schema = any };
        });

    /// <summary>Says that a success may be text that is not JSON.</summary>
    public static TBuilder ProducesText<TBuilder>(this TBuilder builder, string contentType, string description)
        where TBuilder : IEndpointConventionBuilder => builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            Content(operation)[contentType] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = description } };
            return Task.CompletedTask;
        });

    /// <summary>Says what a request has that is a form.</summary>
    public static TBuilder TakesForm<TBuilder>(this TBuilder builder, Type form)
        where TBuilder : IEndpointConventionBuilder => builder.AddOpenApiOperationTransformer(async (operation, context, cancellation) =>
            ((OpenApiRequestBody)operation.RequestBody!).Content!["multipart/form-data"] = new OpenApiMediaType
            {
                Schema = await context.GetOrCreateSchemaAsync(form, parameterDescription: null, cancellation),
            });

    /// <summary>Describes parameters of the address that the code reads by itself.</summary>
    public static TBuilder TakesQuery<TBuilder>(this TBuilder builder, params (string Name, JsonSchemaType Type, string Description)[] parameters)
        where TBuilder : IEndpointConventionBuilder => builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Parameters ??= [];
            foreach ((string name, JsonSchemaType type, string description) in parameters)
            {
                operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Query, Description = description, Schema = new OpenApiSchema { Type = type } });
            }

            return Task.CompletedTask;
        });

    private static IDictionary<string, OpenApiMediaType> Content(OpenApiOperation operation)
    {
        OpenApiResponse success = (OpenApiResponse)operation.Responses![StatusCodes.Status200OK.ToString(System.Globalization.CultureInfo.InvariantCulture)];
        return success.Content ??= new Dictionary<string, OpenApiMediaType>();
    }

    /// <summary>Numbers are read from texts as well, but written as numbers, and as such they are described.</summary>
    private static void DescribeNumber(OpenApiSchema schema, Type type)
    {
        JsonSchemaType? number = Type.GetTypeCode(Nullable.GetUnderlyingType(type) ?? type) switch
        {
            _ when (Nullable.GetUnderlyingType(type) ?? type).IsEnum => null,
            TypeCode.Double or TypeCode.Single => JsonSchemaType.Number,
            TypeCode.Int32 or TypeCode.Int64 => JsonSchemaType.Integer,
            _ => null,
        };
        if (number is { } one)
        {
            schema.Type = one | (Nullable.GetUnderlyingType(type) is null ? 0 : JsonSchemaType.Null);
            (schema.AnyOf, schema.Pattern) = (null, null);
        }
    }

    /// <summary>What may be null is left out where it is: nobody can rely on it.</summary>
    private static void ReleaseOptional(OpenApiSchema schema, JsonTypeInfo type)
    {
        foreach (JsonPropertyInfo property in type.Properties.Where(property => property.IsGetNullable))
        {
            schema.Required?.Remove(property.Name);
        }
    }

    private static void AskForKey(OpenApiDocument document)
    {
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes[KeyScheme] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "A key made by 'handwritten api-key', where the server was started with --api-keys.",
        };
        document.Security = [new() { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] }, []];
    }
}
